"""What the owner lets an app take of the host."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """Limits that the owner set, in the place of those that follow from the manifest; None where he set none."""

    memory: int | None = None
    """Bytes, all containers of the app together; likewise the others."""
    cpu: float | None = None
    """Cores."""
    cpu_weight: int | None = None
    """Share of busy processors against other apps, from 1 to 10000 (cgroup2, `cpu.weight`)."""
    io_weight: int | None = None
    """Share of a busy disk, likewise."""
    pids: int | None = None
    """Processes and threads."""
    disk: int | None = None
    """Bytes of its volumes; 0 for no limit, whatever the manifest says."""

    def __bool__(self) -> bool:
        """Whether anything is set."""
        return any(value is not None for value in asdict(self).values())
