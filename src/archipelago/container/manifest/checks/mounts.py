"""What a container sees where: are its volumes, scratch directories and files in places that can be mounted? Pure.

What is refused here the runtime refuses at each start, or it takes away what the kernel and the node put into each
container.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import normpath

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.images import PackagesRecipe
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path

_TREES = ("/proc", "/sys", "/dev", "/.archipelago")
"""The kernel's own file systems, and what the node puts into a container (`secret_environment`)."""
_EXCEPTION = "/dev/shm"  # noqa: S108  (a path inside a container)
_PLACES = ("/etc", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")
"""Podman writes these for each container; a directory at `/etc` would take them, and all else that is there, away."""
_IN_MEMORY = ("/tmp", "/run", _EXCEPTION)  # noqa: S108  (paths inside a container)
"""Directories that each container has in memory."""


@dataclass(frozen=True, slots=True)
class _Target:
    """One place inside a container where something is mounted."""

    path: Path
    """Where it stands in the manifest."""
    place: str
    is_file: bool = False

    def above(self, other: "_Target") -> bool:
        """Return whether the other target is below this one."""
        return other.place.startswith(f"{self.place}/")


def check_mounts(manifest: AppManifest) -> Iterator[PathProblem]:
    """Yield what cannot be mounted where the manifest wants it."""
    for name, container in manifest.containers.items():
        here: Path = ("containers", name)
        targets = list(_targets(here, container))
        if manifest.onions is not None and manifest.onions.container == name:
            targets.append(_Target(("onions", "sockets"), manifest.onions.sockets))
        for path, place in (*((one.path, one.place) for one in targets), *_other_paths(here, container)):
            yield from _form(path, place)
        for target in targets:
            yield from _reserved(target)
        yield from _overlaps(targets)


def check_shared_volumes(manifest: AppManifest) -> Iterator[PathProblem]:
    """Yield the mounts by which containers of different users would share a volume.

    A volume belongs to one user, and its files are for him alone: to the others they could not be read.
    """
    first: dict[str, tuple[str, str]] = {}
    for name, container in manifest.containers.items():
        for index, mount in enumerate(container.mounts):
            other, user = first.setdefault(mount.volume, (name, container.user))
            if container.user != user:
                yield PathProblem(
                    ("containers", name, "mounts", index, "volume"),
                    f"the volume '{mount.volume}' is also mounted by '{other}', which runs as {user}; "
                    f"'{name}' runs as {container.user}, and neither could use what the other one writes",
                    f"the same 'user' in '{name}' and '{other}', or a volume for each",
                )


def _targets(here: Path, container: Container) -> Iterator[_Target]:
    for index, mount in enumerate(container.mounts):
        yield _Target((*here, "mounts", index, "path"), mount.path)
    for index, tmpfs in enumerate(container.tmpfs):
        yield _Target((*here, "tmpfs", index, "path"), tmpfs.path)
    for index, file in enumerate(container.files):
        yield _Target((*here, "files", index, "path"), file.path, is_file=True)


def _other_paths(here: Path, container: Container) -> Iterator[tuple[Path, str]]:
    if container.workdir is not None:
        yield (*here, "workdir"), container.workdir
    if isinstance(container.build, PackagesRecipe):
        for index, file in enumerate(container.build.files):
            yield (*here, "build", "files", index, "path"), file.path


def _form(path: Path, place: str) -> Iterator[PathProblem]:
    if normpath(place) != place:
        yield PathProblem(path, f"{place} is not written in its shortest form", f"'{normpath(place)}'")


def _reserved(target: _Target) -> Iterator[PathProblem]:
    place = normpath(target.place)
    tree = next((one for one in _TREES if place == one or place.startswith(f"{one}/")), None)
    if tree is not None and (place != _EXCEPTION or target.is_file):
        yield PathProblem(target.path, f"{place} cannot be used: {tree} is made by the node", "another path")
    elif place in _PLACES:
        yield PathProblem(
            target.path,
            f"{place} cannot be used: the node writes it, or what is in it",
            "another path, such as '/data'",
        )
    elif target.is_file and place in _IN_MEMORY:
        yield PathProblem(
            target.path, f"{place} is a directory in each container", f"a file in it, such as '{place}/file'"
        )


def _overlaps(targets: list[_Target]) -> Iterator[PathProblem]:
    for target in targets:
        for other in targets:
            if other.is_file and other.above(target):
                yield PathProblem(
                    target.path, f"{target.place} is below {other.place}, which is a file", "another path"
                )
