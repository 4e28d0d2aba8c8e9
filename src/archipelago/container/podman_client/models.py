"""What Podman answers: plain values; times are aware and in UTC, None where Podman has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePosixPath

from archipelago.container.podman_client.spec import IdRange, ResourceLimits


class ContainerState(StrEnum):
    """States of a container as libpod names them."""

    CREATED = "created"
    INITIALIZED = "initialized"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    EXITED = "exited"
    REMOVING = "removing"
    UNKNOWN = "unknown"

    @property
    def is_up(self) -> bool:
        """Whether a process of the container exists or is about to."""
        return self in (ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.STOPPING)


class LogStream(StrEnum):
    """Which of its two outputs a line was written to."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True)
class PodmanVersion:
    """Podman's version and that of its libpod API (they go together, but are told apart by the service)."""

    version: str
    api_version: str
    os: str = ""
    arch: str = ""

    @property
    def number(self) -> tuple[int, int, int]:
        """The version as numbers that can be compared."""
        parts = [int("".join(c for c in part if c.isdigit()) or 0) for part in self.version.split("-")[0].split(".")]
        major, minor, patch = (*parts, 0, 0, 0)[:3]
        return major, minor, patch


@dataclass(frozen=True, slots=True)
class PodmanInfo:
    """What Podman says of the host and of itself."""

    version: str
    rootless: bool
    cgroup_manager: str
    cgroup_version: str
    cgroup_controllers: tuple[str, ...]
    network_backend: str
    oci_runtime: str
    graph_driver: str
    graph_root: PurePosixPath
    run_root: PurePosixPath
    events_logger: str
    apparmor: bool
    seccomp: bool
    selinux: bool
    memory_total: int
    uid_map: tuple[IdRange, ...]
    gid_map: tuple[IdRange, ...]


@dataclass(frozen=True, slots=True)
class ContainerSummary:
    """One line of the list of containers; times are None where Podman has none."""

    id: str
    name: str
    state: ContainerState
    image: str
    image_id: str
    labels: Mapping[str, str]
    pid: int
    exit_code: int
    created_at: datetime | None
    started_at: datetime | None
    exited_at: datetime | None
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkEndpoint:
    """A container's place in one network; `ip` and `mac` are None while it is not running."""

    network: str
    ip: IPv4Address | IPv6Address | None
    mac: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerDetails:
    """All that Podman knows of one container and that we ask it for."""

    id: str
    name: str
    state: ContainerState
    pid: int
    conmon_pid: int
    exit_code: int
    oom_killed: bool
    error: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    restart_count: int
    image: str
    image_id: str
    labels: Mapping[str, str]
    networks: Mapping[str, NetworkEndpoint]
    limits: ResourceLimits
    read_only: bool
    effective_caps: tuple[str, ...]
    stop_signal: int
    stop_timeout: int


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Use of resources at one moment; bytes, CPU in nanoseconds since the start. Zero where no controller counts."""

    id: str
    name: str
    cpu_nanos: int
    cpu_percent: float
    memory: int
    memory_limit: int
    pids: int
    block_in: int
    block_out: int


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """What a command inside a container said; `truncated` when it said more than was to be kept."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class NetworkDetails:
    """One network."""

    id: str
    name: str
    interface: str
    internal: bool
    isolate: bool
    dns_enabled: bool
    labels: Mapping[str, str]
    subnets: tuple[IPv4Network | IPv6Network, ...]
    gateways: tuple[IPv4Address | IPv6Address, ...]
    """One for each subnet: the address of the bridge, at which the network's name server listens."""
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """One line of the list of images; `size` in bytes."""

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    labels: Mapping[str, str]
    size: int
    dangling: bool
    created_at: datetime | None
    containers: int


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """One image; `digest` is that of its manifest as stored here, `repo_digests` those it may be pulled by."""

    id: str
    digest: str
    repo_digests: tuple[str, ...]
    names: tuple[str, ...]
    labels: Mapping[str, str]
    size: int
    architecture: str
    os: str
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[str, ...]
    created_at: datetime | None
    workdir: str = ""
    exposed: tuple[str, ...] = ()
    """Ports as the image names them: `80/tcp`."""
    volumes: tuple[str, ...] = ()
    """Directories in which it keeps data (`VOLUME`)."""
    layers: tuple[str, ...] = ()
    """Directories of its layers on the disk."""


@dataclass(frozen=True, slots=True)
class ImageProgress:
    """A step of a pull or build: what it says, and at the end the image's id."""

    text: str
    image_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemovedImages:
    """What removing or pruning did; `space` in bytes, 0 where Podman does not count it."""

    ids: tuple[str, ...]
    space: int = 0


class EventType(StrEnum):
    """What kind of thing an event is about."""

    CONTAINER = "container"
    IMAGE = "image"
    NETWORK = "network"
    VOLUME = "volume"
    POD = "pod"
    SYSTEM = "system"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PodmanEvent:
    """Something that happened; `action` is Podman's word: `start`, `died`, `remove`, `create` …"""

    type: EventType
    action: str
    id: str
    name: str
    attributes: Mapping[str, str]
    time: datetime

    @property
    def exit_code(self) -> int | None:
        """Exit code that a `died` event carries."""
        code = self.attributes.get("containerExitCode", "")
        # Podman 4 writes a zero into the other events too.
        return int(code) if self.action == "died" and code.isdigit() else None


@dataclass(frozen=True, slots=True)
class Resync:
    """The event stream starts here, first or again: events before it may be lost, so list everything now.

    `attempt` counts the failed tries since the last connection; `error` says why it broke.
    """

    attempt: int
    error: str | None
