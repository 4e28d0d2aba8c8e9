"""What the host is, as plain values; reading them from the machine is done elsewhere."""

from dataclasses import dataclass

from archipelago.container.manifest.model import Architecture


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The host on which apps would run; `memory` and `free_disk` in bytes."""

    architecture: Architecture
    memory: int
    cores: int
    free_disk: int
