"""A parsed YAML text as a tree of plain values, each with its line and column."""

from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Keys and indexes from the root to a value."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value; `text` is what the author wrote, `value` what YAML 1.2 makes of it."""

    position: Position
    text: str
    value: bool | int | float | str | None


@dataclass(slots=True)
class ListNode:
    """A list; filled while the text is being read, not changed afterwards."""

    position: Position
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class MapNode:
    """A mapping with text keys; filled while the text is being read, not changed afterwards."""

    position: Position
    values: dict[str, "Node"] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)


Node = ScalarNode | ListNode | MapNode


def dotted(path: Path) -> str:
    """Return a key path as text, such as `containers.main.mounts[0].path`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            step = step if len(step) <= 60 else step[:59] + "…"
            text += f".{step}" if text else step
    return text


def find(root: Node, path: Path) -> Node | None:
    """Return the node at a path, or None when there is none."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str):
            node = node.values.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def position_of(root: Node, path: Path, *, at_key: bool) -> Position:
    """Return where a path stands; for a path that does not exist, where its nearest ancestor stands."""
    position, node = root.position, root
    for depth, step in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.values:
            child = node.values[step]
            position = child.position if last and not at_key else node.keys[step]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            child = node.items[step]
            position = child.position
        else:
            return position
        node = child
    return position


def plain(node: Node, texts: frozenset[Path] = frozenset(), path: Path = ()) -> object:
    """Return a node as a plain value; scalars at `texts` stay as they were written."""
    match node:
        case ScalarNode():
            return node.text if path in texts else node.value
        case ListNode():
            return [plain(item, texts, (*path, index)) for index, item in enumerate(node.items)]
        case MapNode():
            return {key: plain(value, texts, (*path, key)) for key, value in node.values.items()}
