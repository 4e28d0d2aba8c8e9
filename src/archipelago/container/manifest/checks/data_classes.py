"""Checks of what a new app says of its data: does the class of a volume fit what else is said of it? Pure."""

from collections.abc import Iterator

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass, Reversible
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path


def check_data_classes(manifest: AppManifest) -> Iterator[PathProblem]:
    """Yield what contradicts the class of a volume."""
    for name, volume in manifest.volumes.items():
        here: Path = ("volumes", name)
        of_money = volume.data in (DataClass.APPEND_PROOF, DataClass.NEVER_RESTORE)
        if volume.funds and volume.data is DataClass.REBUILDABLE:
            message = "a volume with keys to money is never 'rebuildable': nothing makes a key again"
            yield PathProblem((*here, "data"), message, "another class, such as 'files'")
        if of_money and not volume.funds:
            message = f"a volume that is '{volume.data}' must outlive the removal of its app"
            yield PathProblem((*here, "data"), message, "'funds: true' beside it")
        if volume.data is DataClass.NEVER_RESTORE and not volume.exclusive:
            message = "a volume that is 'never-restore' must have one user alone"
            yield PathProblem((*here, "data"), message, "'exclusive: true' beside it")
    if manifest.reversible not in (None, Reversible.NO):
        for name, volume in manifest.volumes.items():
            if volume.data is DataClass.NEVER_RESTORE:
                message = f"there is no way back, as the volume '{name}' is 'never-restore'"
                yield PathProblem(("reversible",), message, "no, or no such key")
                return
