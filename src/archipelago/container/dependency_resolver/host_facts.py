"""What the host is, as plain values; reading them from the machine is done elsewhere."""

from dataclasses import dataclass, field

from archipelago.container.manifest.model.app import Architecture


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The host on which apps would run; `memory` and `free_disk` in bytes."""

    architecture: Architecture
    memory: int
    cores: int
    free_disk: int
    first_port: int = 0
    """Lowest port that a program without root's rights may listen on (`net.ipv4.ip_unprivileged_port_start`)."""


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The part of the cgroup2 tree below which containers are put; without a parent, Podman chooses.

    Only limits whose controller is delegated there are enforced, and only those are accepted by the runtime.
    """

    parent: str = ""
    controllers: frozenset[str] = field(default_factory=frozenset)
