"""YAML 1.2 text to a tree, within limits on size, depth and number of nodes.

PyYAML reads YAML 1.1, in which `10025:25` is a number, `no` is false and `0400` is octal. So only its parser is used
(events, with positions); what a plain scalar means is decided here, by the YAML 1.2 core schema. Reading stops at the
event that breaks a limit, so a bomb costs no more than its first few kilobytes.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from archipelago.container.manifest.yaml.tree import ListNode, MapNode, Node, Position, ScalarNode

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_DIGITS = 40

_Start = yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """Something wrong with the text as YAML."""

    position: Position
    message: str
    expected: str | None = None


@dataclass(slots=True)
class Reading:
    """What came of reading a text: a tree when it could be read, and what is wrong with it."""

    root: Node | None = None
    problems: list[YamlProblem] = field(default_factory=list)
    usable: bool = True
    """Whether the tree says what the author meant, so that it is worth checking further."""


class _StopReadingError(Exception):
    """Ends the reading at a problem after which nothing sensible follows."""

    def __init__(self, position: Position, message: str, expected: str | None = None) -> None:
        super().__init__(message)
        self.problem = YamlProblem(position, message, expected)


def resolve_plain(text: str) -> bool | int | float | str | None:
    """Return what an unquoted scalar means by the YAML 1.2 core schema; numbers beyond measure stay text."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) > MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def read_yaml(text: str) -> Reading:
    """Read one YAML document; never raises."""
    start = Position(1, 1)
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Reading(problems=[YamlProblem(start, "the text is too large", f"at most {MAX_BYTES // 1024} KiB")])
    reading = Reading()
    try:
        _build(_events(text), reading)
    except _StopReadingError as stop:
        reading.problems.append(stop.problem)
        reading.root = None
    return reading


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part) or "it cannot be read"
        raise _StopReadingError(_position(mark), f"not valid YAML: {message}") from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        place = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _StopReadingError(place, "not valid YAML: a control character that is not allowed") from error
    except UnicodeEncodeError as error:
        before = text[: error.start]
        place = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _StopReadingError(place, "not valid YAML: half a character (a lone surrogate)") from error
    except yaml.YAMLError as error:
        raise _StopReadingError(Position(1, 1), f"not valid YAML: {error}") from error


class _Mark(Protocol):
    """What PyYAML's two kinds of marks have in common; both numbers count from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _position(mark: _Mark | None) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _build(events: Iterator[yaml.Event], reading: Reading) -> None:
    """Fill `reading` from the events of one document, without recursion."""
    stack: list[ListNode | MapNode] = []
    keys: list[tuple[str, Position] | None] = []
    """For each open mapping, the key that waits for its value."""
    nodes = documents = 0
    for event in events:
        here = _position(event.start_mark)
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise _StopReadingError(here, "a second document starts here", "one document")
                continue
            case yaml.AliasEvent():
                raise _StopReadingError(here, "aliases (*name) are not allowed", "the value itself, written out")
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                stack.pop()
                keys.pop()
                continue
            case yaml.ScalarEvent() | yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                nodes += 1
            case _:
                continue
        if nodes > MAX_NODES:
            raise _StopReadingError(here, "there are too many values", f"at most {MAX_NODES:,}")
        _refuse_extras(event, here, reading)
        parent = stack[-1] if stack else None
        if isinstance(parent, MapNode) and keys[-1] is None:
            keys[-1] = _read_key(event, here, parent, reading)
            continue
        node = _make(event, here)
        if parent is None:
            reading.root = node
        else:
            _attach(node, parent, keys[-1])
            keys[-1] = None
        if not isinstance(node, ScalarNode):
            if len(stack) >= MAX_DEPTH:
                raise _StopReadingError(here, "values are nested too deeply", f"at most {MAX_DEPTH} levels")
            stack.append(node)
            keys.append(None)


def _attach(node: Node, parent: ListNode | MapNode, key: tuple[str, Position] | None) -> None:
    if isinstance(parent, ListNode):
        parent.items.append(node)
    elif key is not None and key[0] not in parent.values:
        parent.values[key[0]], parent.keys[key[0]] = node, key[1]


def _read_key(event: _Start, here: Position, parent: MapNode, reading: Reading) -> tuple[str, Position]:
    if not isinstance(event, yaml.ScalarEvent):
        raise _StopReadingError(here, "a list or mapping stands where a key belongs", "a key, which is text")
    key = str(event.value)
    if key in parent.values:
        first = parent.keys[key].line
        reading.problems.append(YamlProblem(here, f"the key '{key[:60]}' is given twice (first in line {first})"))
    return key, here


def _make(event: _Start, here: Position) -> Node:
    if isinstance(event, yaml.SequenceStartEvent):
        return ListNode(here)
    if isinstance(event, yaml.MappingStartEvent):
        return MapNode(here)
    text = str(event.value)
    return ScalarNode(here, text, resolve_plain(text) if event.implicit[0] and not event.style else text)


def _refuse_extras(event: _Start, here: Position, reading: Reading) -> None:
    if event.tag is not None:
        reading.problems.append(YamlProblem(here, "tags (!name) are not allowed", "the plain value"))
    if event.anchor is not None:
        reading.problems.append(YamlProblem(here, "anchors (&name) are not allowed", "the plain value"))
