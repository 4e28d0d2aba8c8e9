"""Whether an update has a way back to the version before. Pure."""

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass, Reversible


def way_back(installed: AppManifest, offered: AppManifest) -> Reversible:
    """Return the way back after an update from one manifest of an app to another.

    There is none where either of them has a volume that is never restored, whatever they say themselves: the version
    before would run on state that has moved on.
    """
    volumes = (*installed.volumes.values(), *offered.volumes.values())
    if any(volume.data is DataClass.NEVER_RESTORE for volume in volumes):
        return Reversible.NO
    return offered.reversible or Reversible.UNTIL_FIRST_WRITE
