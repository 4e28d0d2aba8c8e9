"""What is rendered in the daemon takes some milliseconds, whatever a hostile author makes of what is allowed there."""

import contextlib
import time
from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from archipelago.container.workload.templates.cost import _FILTERS, _TESTS, MAX_COST, cost
from archipelago.container.workload.templates.renderer import Renderer, TemplateJob
from archipelago.container.workload.templates.rendering import Fault
from archipelago.container.workload.templates.sandbox import Sandbox
from support.checkout import CHECKOUT

SECONDS = 0.2
"""CPU time of the worst template: ten times what it takes, for slow machines."""

ALL_FILTERS = sorted(name for name in Sandbox().filters if not name.startswith("_"))
ROWS = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"
NUMBER = "9" * 250
VALUES = {
    "long text": repr("a-" * 2048),
    "text": repr("a-" * 500),
    "words": repr("ß" * 1000),
    "short": "'a'",
    "digits": f"'{NUMBER}'",
    "many digits": f"'{'9' * 4096}'",
    "number": NUMBER,
    "huge number": "9" * 4000,
    "list": "[" + ",".join(["'a-a'"] * 200) + "]",
    "nested": "[b,b,b,b,b,b,b,b,b,b]",
    "given text": "long",
    "given list": "many",
    "given number": "big",
}
CONTEXT = {"long": "a-" * 500_000, "many": [{"a": "x" * 50}] * 5000, "big": 10**4000}
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


def worst(value: str, expression: str, times: int) -> str:
    """Return a template that does something as often as it can."""
    tower = f"{{% set b = {value} %}}{{% set a = {value} %}}{{% set c = 1 %}}"
    if "b" in value and value.startswith("[b"):
        tower = "{% set b = [1,1,1,1,1,1,1,1,1,1] %}{% set a = [1,1,1,1,1,1,1,1,1,1] %}{% set c = 1 %}"
        tower += f"{{% set b = {value} %}}{{% set a = {value.replace('b', 'a')} %}}"
    return f"{tower}{{% for i in {ROWS} %}}{{% for j in {ROWS} %}}" + (
        f"{{% set x = {expression} %}}" * times + "{% endfor %}{% endfor %}"
    )


def known_cost(renderer: Renderer, source: str) -> int | None:
    """Return what a template costs at most; None where it is not for the daemon."""
    try:
        return cost(renderer._sandbox.parse(source))
    except TemplateSyntaxError:
        return None


def cost_of_each(expression: str) -> int | None:
    """Return what one more time costs; None where the expression is not for the daemon."""
    renderer = Renderer(_Aside())
    once, twice = (known_cost(renderer, worst("1", expression, times)) for times in (1, 2))
    return None if once is None or twice is None else twice - once


def most(renderer: Renderer, value: str, expression: str, each: int) -> str | None:
    """Return the longest of these templates that is for the daemon, if there is one."""
    once = known_cost(renderer, worst(value, expression, 1))
    if once is None:
        return None
    times = next(times for times in (40, 8, 1) if once + each * (times - 1) <= MAX_COST)
    return worst(value, expression, times)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_worst_that_is_allowed_takes_milliseconds(expression: str) -> None:
    each = cost_of_each(expression)
    if each is None:
        assert Renderer(_Aside()).inline("x", worst("1", expression, 1), CONTEXT) == "aside"
        return
    for name, value in VALUES.items():
        renderer = Renderer(_Aside())
        source = most(renderer, value, expression, each)
        if source is None:
            continue
        with contextlib.suppress(Fault):
            renderer.cheaply(source, CONTEXT, 0)  # compiled, which is counted by the words
        began = time.process_time()
        with contextlib.suppress(Fault):
            renderer.cheaply(source, CONTEXT, 10**9)
        spent = time.process_time() - began
        assert spent < SECONDS, f"{name}: {spent:.3f} s"


def test_a_filter_that_is_slow_on_long_texts_is_not_for_the_daemon() -> None:
    source = worst(repr("a-" * 2048), "1 if (a|title) == 1 else 0", 57)
    assert Renderer(_Aside()).inline("x", source, {}) == "aside"
    assert not {"title", "capitalize", "dictsort", "public_key", "sort", "replace"} & set(_FILTERS)


FILES = {*CHECKOUT.glob("apps/*/files/*.j2"), *CHECKOUT.glob("src/archipelago/docgen/**/*.j2")}


@pytest.mark.parametrize("path", sorted(FILES))
def test_the_templates_of_the_catalog_are_for_the_daemon(path: Path) -> None:
    assert cost(Renderer()._sandbox.parse(path.read_text())) is not None
