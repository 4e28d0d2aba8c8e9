"""The Jinja2 environment of app templates: sandboxed, strict, and bounded in time and memory.

A template comes from an app's author, whom nobody checked. Everything that lets text or numbers grow is counted against
a budget or left out: loops, calls, printed text, `~`, `+`, `*`, `**`, and filters and methods that make long texts.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, TemplateRuntimeError, TemplateSyntaxError, Undefined, nodes
from jinja2 import pass_context as needs_context
from jinja2.filters import do_float, do_int, do_items
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from archipelago.chains.chain import Chain
from archipelago.chains.registry import CHAINS
from archipelago.security.keys.key_files import load_private, public_pem
from archipelago.security.secrets.secret import FINGERPRINT

MAX_TEXT = 1024 * 1024
"""Characters of one output, and of any text on the way to it."""
MAX_STEPS = 20_000
"""Rounds of loops, calls and includes of one rendering."""

_NOTHING: Any = object()
_MAX_ITEMS = 10_000
_MAX_BITS = 4096
_MIB = 1024 * 1024

# fmt: off
_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last",
    "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr",
    "sort", "string", "title", "trim", "unique", "upper",
)
_STR_METHODS = frozenset((
    "capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit",
    "isnumeric", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class RenderingLimits:
    """What one rendering may use up."""

    steps: int = MAX_STEPS
    """Rounds of loops, calls and includes."""
    text: int = MAX_TEXT
    """Characters of any text on the way to the output."""
    work: int = 8 * MAX_TEXT
    """Characters of all texts together."""


FULL = RenderingLimits()


class TooMuch(TemplateRuntimeError):
    """A template used up what one rendering may use."""


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment; it serves one rendering at a time, since it counts for that one."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, sources: Mapping[str, str] | None = None, limits: RenderingLimits = FULL) -> None:
        # No HTML escaping: these are configuration files.
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            loader=DictLoader(sources) if sources is not None else None,
            finalize=needs_context(lambda _context, value: self._printed(value)),
        )
        self._limits = limits
        self._steps = 0
        self._work = 0
        kept = {name: self.filters[name] for name in _FILTERS}
        self.filters.clear()
        self.filters.update(kept)
        self.filters.update(
            {
                "_round": self._rounds,
                "_text": _text,
                "_whole": self._whole,
                "join": self._join,
                "float": _float,
                "int": _int,
                "items": _items,
                "mib": lambda size: int(size) // _MIB,
                "public_key": _public_key,
                "replace": self._replace,
                "round": _round,
                "tojson": self._json,
                **{chain.login: _login_filter(chain) for chain in CHAINS},
            }
        )
        self.globals.clear()
        self.globals.update({"namespace": Namespace, "range": _range})

    def begin(self) -> None:
        """Start to count for a new rendering."""
        self._steps = self._work = 0

    # --- what Jinja2 calls ------------------------------------------------------------------------------------------

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in list(walk(tree)):
            _instrument(node)
        return tree

    def _load_template(self, name: str, globals: Any) -> Template:
        self._step(1)
        return super()._load_template(name, globals)

    def wrap_str_format(self, value: Any) -> None:
        """Leave `str.format` to `is_safe_attribute`, which refuses it: a format may ask for any width."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow methods of texts that cannot make longer texts, and nothing of numbers."""
        if isinstance(obj, str):
            return attr in _STR_METHODS
        return not isinstance(obj, int | float | bytes) and bool(super().is_safe_attribute(obj, attr, value))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call, and count it."""
        __self._step(1)
        return __self._whole(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate, unless the result could be huge."""
        if operator in ("+", "%") and isinstance(left, str):
            if operator == "%":
                raise TooMuch("a text cannot be formatted with '%'; use '~'")
        elif isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            if operator != "+":
                raise TooMuch(f"'{operator}' is for numbers only")
        elif operator == "**":
            if not isinstance(right, int | float) or abs(right) * _bits(left) > _MAX_BITS:
                raise TooMuch("the number is too large")
        elif operator == "*" and _bits(left) + _bits(right) > _MAX_BITS:
            raise TooMuch("the number is too large")
        return self._whole(super().call_binop(context, operator, left, right))

    # --- what is counted --------------------------------------------------------------------------------------------

    def _step(self, count: int) -> None:
        self._steps += count
        if self._steps > self._limits.steps:
            raise TooMuch(f"more than {self._limits.steps} rounds of loops and calls")

    def _spend(self, characters: int) -> None:
        self._pass(characters)
        if characters > self._limits.text:
            raise TooMuch(f"the text is larger than {self._limits.text} characters")

    def _pass(self, characters: int) -> None:
        self._work += characters
        if self._work > self._limits.work:
            raise TooMuch(f"all texts together are larger than {self._limits.work} characters")

    def _printed(self, value: Any) -> str:
        text = _text(value)
        self._pass(len(text))
        return text

    def _rounds(self, items: Iterable[Any]) -> Iterable[Any]:
        if isinstance(items, Undefined | str | list | tuple | dict | range):
            self._step(len(items))
            return items
        found = list(items)
        self._step(len(found))
        return found

    def _whole(self, value: Any) -> Any:
        """Return a value that a template has made, if it is not too large."""
        if isinstance(value, str):
            self._spend(len(value))
        elif isinstance(value, list | tuple | dict):
            self._weigh(value)
        return value

    def _weigh(self, value: Any) -> None:
        # A list may hold another one many times, so this stops instead of counting to the end.
        count, stack = 0, [value]
        while stack:
            one = stack.pop()
            if isinstance(one, dict):
                count += len(one)
                stack.extend(one.values())
            elif isinstance(one, list | tuple):
                count += len(one)
                stack.extend(one)
            if count > _MAX_ITEMS:
                raise TooMuch(f"a list has more than {_MAX_ITEMS} items")
        self._spend(count)

    # --- filters that could make long texts -------------------------------------------------------------------------

    def _join(self, items: Iterable[Any], separator: str = "") -> str:
        parts = [_text(item) for item in self._rounds(items)]
        self._spend(sum(map(len, parts)) + len(_text(separator)) * len(parts))
        return str(separator).join(parts)

    def _replace(self, text: Any, old: str, new: str) -> str:
        whole, old, new = _text(text), _text(old), _text(new)
        self._spend(len(whole) + whole.count(old) * len(new))
        return whole.replace(old, new)

    def _json(self, value: Any) -> str:
        self._weigh(value)
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        self._spend(len(text))
        return text


def walk(root: nodes.Node) -> Iterable[nodes.Node]:
    """Return all nodes of a tree, children before their parents."""
    # Not recursive: `1+1+1+…` is a tree as deep as it is long.
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        found.append(node)
        stack.extend(node.iter_child_nodes())
    return reversed(found)


def _instrument(node: nodes.Node) -> None:
    """Let what a node makes pass through the environment's counters."""
    match node:
        case nodes.For():
            if node.recursive:
                raise TemplateSyntaxError("recursive loops are not supported", node.lineno)
            node.iter = _filtered(node.iter, "_round")
        case nodes.Output():
            # Plain text is counted like any other: a loop may repeat it.
            node.nodes = [
                nodes.Const(child.data, lineno=child.lineno) if isinstance(child, nodes.TemplateData) else child
                for child in node.nodes
            ]
        case nodes.Concat():
            node.nodes = [_filtered(child, "_text") for child in node.nodes]
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Expr):
            setattr(node, field, _bounded(value))
        elif isinstance(value, list):
            value[:] = [_bounded(each) if isinstance(each, nodes.Expr) else each for each in value]


def _bounded(node: nodes.Expr) -> nodes.Expr:
    made = isinstance(node, nodes.Concat | nodes.List | nodes.Dict)
    return _filtered(node, "_whole") if made or (isinstance(node, nodes.Tuple) and node.ctx == "load") else node


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    assert isinstance(node, nodes.Expr)
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        # Jinja would write 'None' into the file, where a program takes it for a name.
        raise TemplateRuntimeError("there is no value here; ask with 'is none', or by 'if', before it is written")
    if isinstance(value, list | tuple | dict | set) or not isinstance(value, str | int | float | Undefined):
        raise TemplateRuntimeError(f"a {type(value).__name__} is not text; loop over it, or use 'join' or 'tojson'")
    return str(value)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 1


def _login_filter(chain: Chain) -> Callable[[Any, Any], str]:
    return lambda password, user: chain.login_line(_text(user), _text(password))


def _public_key(private: Any) -> str:
    """Return the public half of a keypair."""
    text = _text(private)
    key = load_private(text.encode("utf-8", "surrogatepass"))
    if key is None:
        # A fingerprint reveals nothing; whoever knows whose it is, names the secret in its place.
        given = text if FINGERPRINT.fullmatch(text) else "what it is given"
        raise TemplateRuntimeError(
            f"'public_key' needs a private key (Ed25519, PEM without a passphrase): {given} is none"
        )
    return public_pem(key)


def _int(value: Any, default: Any = _NOTHING, base: int = 10) -> Any:
    """Return a whole number; what is none is an error without a default of the template's own, and not 0."""
    found = do_int(value, default, base)
    if found is _NOTHING:
        raise TemplateRuntimeError("'int' needs a number; write int(0) where there may be none")
    return found


def _float(value: Any, default: Any = _NOTHING) -> Any:
    found = do_float(value, default)
    if found is _NOTHING:
        raise TemplateRuntimeError("'float' needs a number; write float(0) where there may be none")
    return found


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Undefined):
        len(value)  # raises, as every other use of what is not there does
    return do_items(value)


def _round(value: float, precision: int = 0) -> float:
    return round(value, max(-20, min(precision, 20)))


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > _MAX_ITEMS:
        raise TooMuch(f"a range has more than {_MAX_ITEMS} numbers")
    return found
