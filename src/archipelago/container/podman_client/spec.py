"""What Podman can be asked to make: containers and networks, as plain values in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import PurePosixPath

from archipelago.support.values import value


class PortProtocol(StrEnum):
    """Transport of a published port."""

    TCP = "tcp"
    UDP = "udp"


@value
class BindMount:
    """A file or directory of the host inside the container; `relabel`: `z`, `Z` or empty (SELinux)."""

    source: PurePosixPath
    target: PurePosixPath
    read_only: bool = True
    noexec: bool = False
    relabel: str = ""


@value
class TmpfsMount:
    """A file system in memory; `size` in bytes, `mode` as for chmod, owned by the container's root."""

    target: PurePosixPath
    size: int
    mode: int = 0o1777
    noexec: bool = True
    read_only: bool = False


Mount = BindMount | TmpfsMount


@value
class IdRange:
    """`size` ids from `container_id` up inside  are `host_id` up outside.

    Rootless, outside is Podman's own user namespace, whose ids start at 0 with the service user.
    """

    container_id: int
    host_id: int
    size: int


@value
class IdMappings:
    """A user namespace of the container's own."""

    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]


@value
class ResourceLimits:
    """cgroup limits: memory in bytes (`memory_swap`: memory and swap together), CPU in microseconds of `cpu_period`.

    A host without controllers accepts some and enforces none; Podman does not say so.
    """

    memory: int | None = None
    memory_swap: int | None = None
    memory_reservation: int | None = None
    cpu_quota: int | None = None
    cpu_period: int = 100_000
    cpu_shares: int | None = None
    pids: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        wanted = (self.memory, self.memory_swap, self.memory_reservation, self.cpu_quota, self.cpu_shares, self.pids)
        return any(value is not None for value in wanted)


@value
class Ulimit:
    """A process limit under Podman's name for it: `nofile`, `nproc`, `core`; not `RLIMIT_NOFILE`."""

    name: str
    soft: int
    hard: int


@value
class PortMapping:
    """A port of the host that leads to one of the container; without `host_ip` on every address of the host."""

    container_port: int
    host_port: int
    host_ip: str = "127.0.0.1"
    protocol: PortProtocol = PortProtocol.TCP


@value
class NetworkAttachment:
    """How a container takes part in a network; its aliases are its names in that network's DNS."""

    aliases: tuple[str, ...] = ()
    static_ip: IPv4Address | IPv6Address | None = None


@value
class ContainerSpec:
    """A container to be created, in exactly the words that our workloads use; defaults are the safe ones.

    `entrypoint` and `command` None mean the image's own. An empty `networks` means no network at all.
    """

    name: str
    image: str = ""
    rootfs: PurePosixPath | None = None
    """A directory that is its root file system, written to in place, instead of an image."""
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    env_from_image: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    groups: tuple[str, ...] = ()
    hostname: str = ""
    workdir: str = ""
    umask: str = ""
    read_only_filesystem: bool = True
    read_write_tmpfs: bool = False
    mounts: tuple[Mount, ...] = ()
    devices: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ("ALL",)
    cap_add: tuple[str, ...] = ()
    no_new_privileges: bool = True
    seccomp_profile: PurePosixPath | None = None
    apparmor_profile: str = ""
    selinux_options: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    unmask: tuple[str, ...] = ()
    id_mappings: IdMappings | None = None
    limits: ResourceLimits = ResourceLimits()
    ulimits: tuple[Ulimit, ...] = ()
    oom_score_adj: int | None = None
    shm_size: int | None = None
    networks: Mapping[str, NetworkAttachment] = field(default_factory=dict)
    network_of: str = ""
    """Name of a container whose network namespace it shares, instead of any networks."""
    dns_servers: tuple[IPv4Address | IPv6Address, ...] = ()
    dns_from_host: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[PortMapping, ...] = ()
    stop_signal: str = "SIGTERM"
    stop_timeout: int = 10
    init: bool = False
    longest_run: int = 0
    """Seconds after which conmon kills it, also where no daemon runs; 0 for no such time."""
    log_path: PurePosixPath | None = None
    """The file that its output goes to; None for one of Podman's, which goes with the container."""
    log_max_size: int = 10 * 1024 * 1024
    cgroup_parent: str = ""


@value
class NetworkSpec:
    """A bridge network to be created; without `subnets` Podman picks a free one.

    `isolate` cuts it off from other isolated networks; `internal` also from everything outside.
    """

    name: str
    internal: bool = True
    isolate: bool = True
    dns_enabled: bool = True
    ipv6_enabled: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    subnets: tuple[IPv4Network | IPv6Network, ...] = ()
