"""How often a template can do something, at most, without rendering it. Pure.

Most templates look values up, choose, and repeat a few lines for each consumer. Their cost is known before, but for
the size of values, which `cheap_sandbox` counts, and they are rendered in the daemon. All others may take long in more
ways than could be counted one by one: filters that feed each other, macros that call themselves, slices of large
values.
"""

from collections.abc import Iterator, Mapping

from jinja2 import nodes

from archipelago.chains.registry import CHAINS

MAX_ROUNDS = 300
"""Rounds of all loops of one cheap template together; the sandbox counts them."""
MAX_COST = 100_000
"""Values that a cheap template looks at; a hundred thousand take some 20 ms."""
_MAX_TEXT = 4096
"""Characters of a text in an expression."""

_STATEMENTS = (nodes.Assign, nodes.For, nodes.If, nodes.Output, nodes.Template, nodes.TemplateData)
_EXPRESSIONS = (
    nodes.Add,
    nodes.And,
    nodes.Compare,
    nodes.Concat,
    nodes.CondExpr,
    nodes.Const,
    nodes.Dict,
    nodes.Div,
    nodes.Filter,
    nodes.FloorDiv,
    nodes.Getattr,
    nodes.Getitem,
    nodes.List,
    nodes.Mod,
    nodes.Mul,
    nodes.Name,
    nodes.Neg,
    nodes.Not,
    nodes.Operand,
    nodes.Or,
    nodes.Pair,
    nodes.Pos,
    nodes.Sub,
    nodes.Test,
    nodes.Tuple,
)
_CHEAP = (*_STATEMENTS, *_EXPRESSIONS)
_LOGINS = tuple(chain.login for chain in CHAINS)
_FILTERS: Mapping[str, int] = {
    **dict.fromkeys(("_round", "_text", "_whole"), 1),
    **dict.fromkeys(("_touched", "count", "d", "default", "first", "last", "length"), 3),
    **dict.fromkeys(("abs", "float", "int", "lower", "mib", "round", "string", "trim", "upper"), 10),
    **dict.fromkeys(("join", "max", "min", "tojson", *_LOGINS), 50),
}
"""What one use of a filter costs with a small value, in values looked at; `CheapSandbox` counts the size of the value.

Filters that return generators are not here, nor those that take more than some ten nanoseconds for each character.
"""
_WITH_ARGUMENTS = frozenset(("d", "default", "float", "int", "join", "round", *_LOGINS))
"""Filters whose arguments cannot make them slower: `max(attribute='a.a.a.a')` looks at each item often."""
# fmt: off
_TESTS = frozenset((
    "boolean", "defined", "divisibleby", "even", "eq", "false", "ge", "gt", "in", "integer", "le", "lt", "mapping",
    "ne", "none", "number", "odd", "string", "true", "undefined",
))
# fmt: on


def cost(tree: nodes.Template) -> int | None:
    """Return how many values a template looks at, at most, with `MAX_ROUNDS` rounds; None where that is not known."""
    total = 0
    # Not recursive: `1+1+1+…` is a tree as deep as it is long.
    stack: list[tuple[nodes.Node, int]] = [(tree, 1)]
    while stack:
        node, times = stack.pop()
        weight = _weight(node)
        if weight is None:
            return None
        total += weight * times
        if total > MAX_COST:
            return None
        inner = MAX_ROUNDS if isinstance(node, nodes.For) else times
        stack.extend((child, inner) for child in node.iter_child_nodes())
    return total


def _weight(node: nodes.Node) -> int | None:
    """Return what a node costs by itself each time; None where it could be anything."""
    if not isinstance(node, _CHEAP):
        return None
    match node:
        case nodes.Filter(name=name):
            odd = node.kwargs or node.dyn_args or node.dyn_kwargs or (node.args and name not in _WITH_ARGUMENTS)
            return None if odd else _FILTERS.get(name)
        case nodes.Test(name=name):
            return 2 if name in _TESTS else None
        case nodes.Const(value=str(text)) if len(text) > _MAX_TEXT:
            return None
        case nodes.Pair(key=key) if not (isinstance(key, nodes.Const) and isinstance(key.value, str | bool)):
            return None  # numbers can be chosen so that they collide
        case nodes.For(recursive=True):
            return None
    return None if _is_odd(node) else 1


def _is_odd(node: nodes.Node) -> bool:
    """Return whether a node is one of a cheap kind in a shape that is not: `a[1:2]`, `{% set a.b %}`."""
    parts: Iterator[object] = (value for _, value in node.iter_fields())
    return any(isinstance(part, nodes.Slice | nodes.NSRef | nodes.Call) for part in parts)
