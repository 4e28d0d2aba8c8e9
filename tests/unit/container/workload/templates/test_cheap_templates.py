"""What is cheap is rendered at once, and all else in a process aside."""

import pytest

from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.renderer import Renderer, TemplateError, TemplateJob


def test_what_is_cheap_is_rendered_here_and_all_else_aside() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.sources: list[str] = []

        def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
            self.sources.append(job.source)
            return "aside", 0.0

    recorder = Recorder()
    renderer = Renderer(recorder)
    context = {"options": {"a": 1}, "consumers": {"rpc": [{"rpcauth": "x"}] * 250}, "secrets": {"k": "s"}}
    for source in (
        "{{ options.a }}",
        "{% for c in consumers['rpc'] %}rpcauth={{ c.rpcauth }}{{ ',' if not loop.last }}\n{% endfor %}",
        "{% set cache = options.a or (1 if options.a < 2 else 3) %}{{ [cache, 5] | max }}{{ options.a | int }}",
        "{{ secrets.k | rpcauth('me') }}{{ {'a': 'b'}[options.b | default('a')] ~ 'x' }}",
    ):
        assert renderer.inline("x", source, context) != "aside"
    for source in (
        "{{ options.a | list | map('string') | join }}",
        "{{ range(9) }}",
        "{% macro m() %}{% endmacro %}",
        "{{ options[1:] }}",
        "{% set n.x = 1 %}",
        "{% for a in consumers.rpc %}{% for b in consumers.rpc %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in consumers.rpc %}" + "{{ a.x }}" * 400 + "{% endfor %}",
        "{{ 1" + " + 1" * 4000 + " }}",
        "{% set a = '" + "x" * 5000 + "' %}",
        "{% set a = '" + "x" * 4000 + "' %}{% set b = a ~ a ~ a %}",
    ):
        assert renderer.inline("x", source, context) == "aside"
    assert len(recorder.sources) == 10


def test_many_cheap_templates_of_one_app_are_not_cheap() -> None:
    class Refusing:
        def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
            raise Fault(None, "aside")

    app = Renderer(Refusing()).for_app()
    with pytest.raises(TemplateError, match="aside"):
        for number in range(1000):
            app.inline("x", f"{{% for a in l %}}{{{{ a + {number} }}}}{{% endfor %}}" + "{{ 1 }}" * 100, {"l": [1]})
