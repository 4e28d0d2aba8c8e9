"""What repairs an app: files that get another name, go or come back, and arguments with which it starts once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileChange:
    """Something in a volume that gets another name, or that is deleted."""

    volume: str
    """Name of the volume in the manifest."""
    path: str
    """Directory of the volume on this host."""
    names: tuple[str, ...]
    """Names on the way to it; none for all that is in the volume."""
    suffix: str | None = None
    """What is added to its name; None where it is deleted."""

    @property
    def where(self) -> str:
        """The path inside the volume, for people."""
        return "/".join(self.names)


@dataclass(frozen=True, slots=True)
class CopiesReturn:
    """Copies of a streamed file that go into a folder of its volume, each as a file of its own."""

    volume: str
    """Name of the volume in the manifest."""
    path: str
    """Directory of the volume on this host."""
    names: tuple[str, ...]
    """Names on the way to the folder."""
    copies: tuple[Path, ...]
    """Files on this host."""

    @property
    def where(self) -> str:
        """The folder inside the volume, for people."""
        return "/".join(self.names)


@dataclass(frozen=True, slots=True)
class RepairOrder:
    """A repair of an app, ready to be carried out while the app is stopped."""

    repair: str
    label: str
    files: tuple[FileChange, ...] = ()
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By container, arguments that are added for the next start alone."""
    copies: tuple[CopiesReturn, ...] = ()
