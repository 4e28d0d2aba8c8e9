"""Manifests of installed apps, as earlier versions of the format wrote them, in the form of this one. Pure.

An app that is installed keeps its manifest as it was written; only what the node reads from it is translated.
"""

from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.yaml.tree import MapNode, Node, Position, ScalarNode

_OF_BACKUP: dict[object, DataClass] = {"exclude": DataClass.REBUILDABLE, "never": DataClass.NEVER_RESTORE}
"""Class of a volume that only says what a backup did with it (`backup`); all others are files."""


def in_this_format(root: Node) -> Node:
    """Return a stored manifest with a class for each of its volumes; what is wrong in it stays as it is."""
    volumes = root.values.get("volumes") if isinstance(root, MapNode) else None
    if not isinstance(root, MapNode) or not isinstance(volumes, MapNode):
        return root
    return _with(root, "volumes", MapNode(volumes.position, _classified(volumes), volumes.keys))


def _classified(volumes: MapNode) -> dict[str, Node]:
    return {
        name: _with_class(volume) if isinstance(volume, MapNode) and "data" not in volume.values else volume
        for name, volume in volumes.values.items()
    }


def _with_class(volume: MapNode) -> MapNode:
    data = _OF_BACKUP.get(_value(volume, "backup"), DataClass.FILES)
    has_funds = _value(volume, "funds") is True
    if data is DataClass.REBUILDABLE and has_funds:
        data = DataClass.FILES  # nothing makes a key again
    rest = MapNode(
        volume.position, {key: node for key, node in volume.values.items() if key != "backup"}, dict(volume.keys)
    )
    if data is DataClass.NEVER_RESTORE and not has_funds:
        rest = _with(rest, "funds", ScalarNode(volume.position, "true", True))
    return _with(rest, "data", ScalarNode(volume.position, data, str(data)))


def _value(volume: MapNode, key: str) -> object:
    node = volume.values.get(key)
    return node.value if isinstance(node, ScalarNode) else None


def _with(node: MapNode, key: str, value: Node) -> MapNode:
    keys: dict[str, Position] = {key: value.position, **node.keys}
    return MapNode(node.position, {**node.values, key: value}, keys)
