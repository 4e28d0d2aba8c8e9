"""The sandbox of the templates that are rendered in the daemon: all that reads a whole value is counted by its size.

How often a template does something is known before (`cost`); how large the values are is known only when it
is done. Both together bound the time of a rendering.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from jinja2 import nodes
from jinja2 import pass_context as needs_context
from jinja2.runtime import Context

from archipelago.container.workload.templates.sandbox import RenderingLimits, Sandbox, TooMuch, walk

_MOST = 1024
"""Characters, items and digits together of a value that is compared, searched or filtered."""
_DEARER = 4
"""Reading a character, an item or a digit costs so many times what printing a character does."""
_BITS = 1024
"""Bits of a number that is calculated with."""
_SHORT = 32
"""Characters of a constant that nobody needs to count."""
_AT_ONCE = ("_round", "_text", "_touched", "_whole", "count", "d", "default", "first", "last", "length")
"""Filters that take the same time whatever the size of the value is, or count it themselves."""


class CheapSandbox(Sandbox):
    """Stops with `TooMuch` as soon as large values are worked on; then the template is none for the daemon."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))
    intercepted_unops = frozenset(("+", "-"))

    def __init__(self, sources: Mapping[str, str] | None = None, *, limits: RenderingLimits) -> None:
        super().__init__(sources, limits)
        for name, work in self.filters.items():
            if name not in _AT_ONCE:
                self.filters[name] = self._counted(work)
        # With a context it is not called once and for all when the template is compiled.
        self.filters["_touched"] = needs_context(lambda _context, value: self._touched(value))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in list(walk(tree)):
            _instrument(node)
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate with small numbers."""
        _check_number(left)
        _check_number(right)
        return super().call_binop(context, operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Calculate with a small number."""
        _check_number(arg)
        return super().call_unop(context, operator, arg)

    def _counted(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def counted(*values: Any, **more: Any) -> Any:
            for value in (*values, *more.values()):
                self._touched(value)
            return work(*values, **more)

        return counted

    def _touched(self, value: Any) -> Any:
        """Return a value, after its size was counted."""
        self._pass(_DEARER * (len(value) if type(value) is str else _size(value)))
        if type(value) is str and len(value) > _MOST:
            raise TooMuch("the text is long")
        return value


def _size(value: Any) -> int:
    """Return how large a value is. Raises `TooMuch` for a large one, without looking at all of it."""
    # A list may hold another one many times, so this counts as often as something is reached.
    size, stack = 0, [value]
    while stack:
        one = stack.pop()
        size += 1
        if isinstance(one, int):
            size += one.bit_length() // 8
        elif isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            size += len(one)
            if size <= _MOST:
                stack.extend(one)
                stack.extend(one.values())
        elif isinstance(one, list | tuple):
            size += len(one)
            if size <= _MOST:
                stack.extend(one)
        if size > _MOST:
            raise TooMuch("the value is large")
    return size


def _check_number(value: Any) -> None:
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise TooMuch("the number is large")


def _instrument(node: nodes.Node) -> None:
    """Let what a node reads as a whole be counted."""
    match node:
        case nodes.Compare():
            node.expr = _counted(node.expr)
        case nodes.Operand():
            node.expr = _counted(node.expr)
        case nodes.Getitem() if not isinstance(node.arg, nodes.Slice):
            node.arg = _counted(node.arg)
        case nodes.Test(name=name) if name not in ("defined", "undefined"):
            node.node = _counted(node.node)
            node.args = [_counted(each) for each in node.args]


def _counted(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Const) and len(repr(node.value)) <= _SHORT:
        return node
    return nodes.Filter(node, "_touched", [], [], None, None, lineno=node.lineno)
