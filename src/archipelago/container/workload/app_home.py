"""What all containers of one app share: its folder on disk, its networks, its user ids. Pure."""

from collections.abc import Mapping

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.container.workload.inputs import AppInput
from archipelago.container.workload.networks import Link, links
from archipelago.container.workload.volume_parts import part_of
from archipelago.container.workload.workload import Passage, VolumeDirectory
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import AppPaths, app_paths
from archipelago.support.texts.text import msg
from archipelago.support.values import value


@value
class AppHome:
    """What all containers of one app share: its folder on disk, its networks, its user ids."""

    paths: AppPaths
    links: tuple[Link, ...]
    base: int
    """Id of its containers' root in the service user's namespace."""
    parts: Mapping[str, str]
    """Directory in use of each volume that is kept apart by a setting of a provider."""

    def volume(self, name: str) -> str:
        """Return the directory of a volume that the app sees."""
        whole = self.paths.volume(name)
        return f"{whole}/{self.parts[name]}" if name in self.parts else whole

    def owner(self, container: Container) -> tuple[int, int]:
        """Return the user and group of a container's files."""
        uid, gid = (int(part) for part in container.user.split(":"))
        if max(uid, gid) >= IDS_PER_APP:
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                msg("user {user} is not one of the app's own", user=container.user),
                hint=msg("the app's author must choose numbers up to {highest}", highest=IDS_PER_APP - 1),
            )
        return self.base + uid, self.base + gid

    def passages(self, *paths: str) -> tuple[Passage, ...]:
        """Return directories as ways for this app's containers alone."""
        return tuple(Passage(path, self.base) for path in paths)

    def volume_directories(self, manifest: AppManifest) -> tuple[VolumeDirectory, ...]:
        """Return the directories of the volumes that a container uses; each belongs to the first that writes to it."""
        found = {}
        for name in sorted(manifest.volumes):
            users = [
                container
                for container in manifest.containers.values()
                if any(mount.volume == name for mount in container.mounts)
            ]
            writers = [
                container
                for container in users
                if any(mount.volume == name and not mount.read_only for mount in container.mounts)
            ]
            for container in (writers or users)[:1]:
                uid, gid = self.owner(container)
                found[name] = VolumeDirectory(self.paths.volume(name), uid, gid, self.parts.get(name))
        return tuple(found.values())


def app_home(given: AppInput, data: str) -> AppHome:
    """Return that of one app; `data` is the directory below which each app has one of its own. Raises `NodeError`."""
    manifest = given.package.manifest
    exported = {binding.edge.interface: binding.exports for binding in given.bindings}
    parts = {name: part for name in manifest.volumes if (part := part_of(manifest, name, exported)) is not None}
    # Id 0 of the service user's namespace is the service user himself.
    base = 1 + given.slot * IDS_PER_APP
    return AppHome(app_paths(data, manifest.id), links(given.edges), base, parts)
