"""What the node remembers of volumes."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.on_disk import Volume


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
