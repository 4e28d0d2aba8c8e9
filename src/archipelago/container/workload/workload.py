"""The workload of an app: the networks, containers, files and directories that it needs. Plain values."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from archipelago.container.manifest.model.containers import Stop
from archipelago.container.manifest.model.probes import HealthCheck
from archipelago.container.podman_client.spec import ContainerSpec, NetworkAttachment, NetworkSpec
from archipelago.container.workload.firewall_rules import Reach
from archipelago.container.workload.spec_hash import former_hash, is_former
from archipelago.security.secrets.secret import SecretBytes
from archipelago.support.values import value


@value
class RenderedFile:
    """A file on the host's tmpfs; uid and gid as in the service user's namespace."""

    path: str
    content: SecretBytes
    mode: int
    uid: int
    gid: int


@value
class VolumeDirectory:
    """A directory on disk; uid and gid as in the service user's namespace."""

    path: str
    uid: int
    gid: int
    part: str | None = None
    """Name of the directory within a volume that is kept apart by a setting of a provider; None for a whole volume."""

    @property
    def used(self) -> str:
        """The directory that the app sees."""
        return self.path if self.part is None else f"{self.path}/{self.part}"


@value
class Passage:
    """A directory of the node's on the way to what containers of one app mount; others must not come through.

    A runtime may set mounts up as the container's root, who is in the group `gid` (of the service user's namespace).
    """

    path: str
    gid: int


@value
class ContainerWorkload:
    """One container, as it should be."""

    app: str
    container: str
    name: str
    """Its name in Podman."""
    spec: ContainerSpec
    files: tuple[RenderedFile, ...]
    passages: tuple[Passage, ...]
    """Directories of the files, outer ones first."""
    attachments: Mapping[str, NetworkAttachment]
    reach: Reach
    after: tuple[str, ...]
    health: HealthCheck | None
    stop: Stop
    contents: Mapping[str, str]
    """Path of each rendered file in the container -> its digest, with secrets by fingerprint, and its mode."""
    hash: str
    """Of everything that would need a re-creation (`spec_hash`)."""

    def is_made_of(self, hash: str | None) -> bool:
        """Return whether a container with this hash is as it should be, whichever version of the node made it."""
        return hash == self.hash or (
            hash is not None and is_former(hash) and hash == former_hash(self.spec, self.contents, self.reach.internet)
        )

    @property
    def log(self) -> Path:
        """The file that its output goes to, on this host."""
        assert self.spec.log_path is not None, "compiled with one"
        return Path(self.spec.log_path)


@value
class Workload:
    """One app, compiled; containers in start order."""

    app: str
    networks: tuple[NetworkSpec, ...]
    containers: tuple[ContainerWorkload, ...]
    passages: tuple[Passage, ...]
    """Directories of the volumes, outer ones first."""
    volumes: tuple[VolumeDirectory, ...]
    hash: str
    parts: Mapping[str, str] = field(default_factory=dict)
    """Directory in use of each volume that is kept apart by a setting of a provider."""
