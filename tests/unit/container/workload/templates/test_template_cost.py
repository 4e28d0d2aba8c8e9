"""What is rendered in the daemon takes some milliseconds, whatever a hostile author makes of what is allowed there."""

import contextlib
import json
from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from archipelago.container.workload.templates.cheap_templates import CheapTemplates
from archipelago.container.workload.templates.cost import _FILTERS, _TESTS, cost
from archipelago.container.workload.templates.faults import Fault
from archipelago.container.workload.templates.renderer import Renderer, TemplateJob
from archipelago.container.workload.templates.sandbox import Sandbox
from support.checkout import CHECKOUT
from support.examples import share
from support.processor_time import ProcessorTime

SECONDS = 0.2
"""CPU time of the worst template: ten times what it takes, for slow machines."""

ALL_FILTERS = sorted(name for name in Sandbox().filters if not name.startswith("_"))
ROWS = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"
NUMBER = "9" * 250
ITEMS = [1] * 10
VALUES: dict[str, object] = {
    "long text": "a-" * 2048,
    "text": "a-" * 500,
    "words": "ß" * 1000,
    "short": "a",
    "digits": NUMBER,
    "many digits": "9" * 4096,
    "number": int(NUMBER),
    "huge number": 10**4000 - 1,
    "list": ["a-a"] * 200,
    "nested": [ITEMS] * 10,
    "huge text": "a-" * 500_000,
    "huge list": [{"a": "x" * 50}] * 5000,
}
EXPRESSIONS = [
    *(f"a|{name}" for name in ALL_FILTERS),
    *(f"a|{name}('x')" for name in ("rpcauth", "join", "int", "default")),
    *("a|max(attribute='" + "a." * 100 + "a')", "'x'|rpcauth(a)", "[b, c]|join(a)", "{'x': a}|tojson"),
    *("a == b", "a < b", "a in b", "a ~ b", "a + b", "a - 1", "a * b", "a // 7", "a % 7", "-a", "[a, b]", "(a, b)"),
    *("b in [a, c]", "{'a': 1}[(a, b)]", "{'a': 1}[a]", "a[b]", "'aaab' in a", "'" + "a" * 500 + "b' in a", "a"),
    *(f"a is {name}" for name in sorted(_TESTS - {"divisibleby", "eq", "ge", "gt", "in", "le", "lt", "ne"})),
    *(f"a is {name}(b)" for name in ("divisibleby", "eq", "ge", "gt", "in", "le", "lt", "ne")),
]


class _Aside:
    def render(self, job: TemplateJob, seconds: float) -> tuple[str, float]:
        return "aside", 0.0


def worst(expression: str, times: int, value: str = "value", other: str = "other") -> str:
    """Return a template that does something as often as it can."""
    return f"{{% set b = {other} %}}{{% set a = {value} %}}{{% set c = 1 %}}" + (
        f"{{% for i in {ROWS} %}}{{% for j in {ROWS} %}}"
        + f"{{% set x = {expression} %}}" * times
        + "{% endfor %}{% endfor %}"
    )


def is_cheap(source: str) -> bool:
    """Return whether a template is for the daemon."""
    try:
        return cost(CheapTemplates()._sandbox.parse(source)) is not None
    except TemplateSyntaxError:
        return False


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_worst_that_is_allowed_takes_milliseconds(expression: str) -> None:
    renderer = Renderer(_Aside())
    if not is_cheap(worst(expression, 1)):
        assert renderer.inline("x", worst(expression, 1), {"value": 1, "other": 1}) == "aside"
        return
    source = next(source for times in (40, 8, 1) if is_cheap(source := worst(expression, times)))
    renderer.cheaply(source, {}, 0)  # compiled, which is counted by the words
    for name, value in share(list(VALUES.items())):
        # The other one is equal, and not the same, which would be seen at once.
        context = {"value": value, "other": json.loads(json.dumps(value))}
        spent = ProcessorTime()
        with contextlib.suppress(Fault):
            renderer.cheaply(source, context, 10**9)
        spent.require_below(SECONDS, name)


LONG = repr("a-" * 2048)


def test_a_filter_that_is_slow_on_long_texts_is_not_for_the_daemon() -> None:
    source = worst("1 if (a|title) == 1 else 0", 57, LONG, LONG)
    assert Renderer(_Aside()).inline("x", source, {}) == "aside"
    assert not {"title", "capitalize", "dictsort", "public_key", "sort", "replace"} & set(_FILTERS)


FILES = {*CHECKOUT.glob("apps/*/files/*.j2"), *CHECKOUT.glob("src/archipelago/docgen/**/*.j2")}


ASIDE = {"torrc.j2", "prometheus.yml.j2", "unbound.conf.j2"}
"""Templates that divide a text of their owner's, as one bridge from another: they are rendered beside the daemon."""


@pytest.mark.parametrize("path", sorted(path for path in FILES if path.name not in ASIDE))
def test_the_templates_of_the_catalog_are_for_the_daemon(path: Path) -> None:
    assert cost(CheapTemplates()._sandbox.parse(path.read_text())) is not None
