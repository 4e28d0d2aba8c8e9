"""What the node remembers of volumes."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.on_disk import Volume

_KNOWN = frozenset(each.value for each in DataClass)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which directory a volume is."""

    inode: int
    filesystem: int | None
    """Identity of the file system (`f_fsid` of statvfs(3)) where the volume is the root of one; None elsewhere."""


@dataclass(frozen=True, slots=True)
class StrictestClass:
    """The strictest that any version of an app has said of a volume, for as long as the app has data."""

    data: DataClass
    funds: bool

    def joined(self, volume: Volume) -> "StrictestClass":
        """Return it with what one more version says."""
        data = max(self.data, volume.data, key=lambda each: each.strictness)
        return StrictestClass(data, self.funds or volume.funds)


def with_declared(known: Mapping[str, StrictestClass], declared: Mapping[str, Volume]) -> dict[str, StrictestClass]:
    """Return what is known of volumes by name, with what one more version of the app says of them. Pure."""
    said = {
        name: known.get(name, StrictestClass(volume.data, volume.funds)).joined(volume)
        for name, volume in declared.items()
    }
    return {**known, **said}


def strictest_of(known: Mapping[str, StrictestClass], more: Mapping[str, StrictestClass]) -> dict[str, StrictestClass]:
    """Return by volume the stricter of what two nodes, or one at two times, remember. Pure."""
    return {name: _stricter(known.get(name), more.get(name)) for name in sorted(known.keys() | more.keys())}


def classes_to_json(known: Mapping[str, StrictestClass]) -> dict[str, dict[str, object]]:
    """Return what is remembered of volumes, for what goes along with a copy of them."""
    return {name: {"data": each.data.value, "funds": each.funds} for name, each in known.items()}


def classes_from_json(found: object) -> dict[str, StrictestClass]:
    """Return what `classes_to_json` wrote, maybe in another version. Raises `ValueError` where it is damaged."""
    if not isinstance(found, Mapping):
        raise ValueError("the classes of the volumes are damaged")
    return {str(name): _class_from_json(each) for name, each in found.items()}


def class_named(name: object) -> DataClass:
    """Return a class by its name; what another version wrote counts for the strictest: nothing may be lost of it."""
    return DataClass(name) if isinstance(name, str) and name in _KNOWN else DataClass.NEVER_RESTORE


def _class_from_json(found: object) -> StrictestClass:
    if not isinstance(found, Mapping) or not isinstance(found.get("funds"), bool):
        raise ValueError("the class of a volume is damaged")
    return StrictestClass(class_named(found.get("data")), found["funds"])


def _stricter(one: StrictestClass | None, other: StrictestClass | None) -> StrictestClass:
    if one is None or other is None:
        found = one or other
        assert found is not None, "one of them has it"
        return found
    data = max(one.data, other.data, key=lambda each: each.strictness)
    return StrictestClass(data, one.funds or other.funds)
