"""What a Containerfile comes to: steps in order, and what the image says at the end. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says of how it is run; `exposed` as `80/tcp`."""

    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStep:
    """A command that runs; the builder adds nothing to its environment."""

    line: int
    text: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    workdir: str
    user: str


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of the app's folder and where it goes: into `path`, or, where that is a directory, below it as `name`."""

    source: str
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class CopyStep:
    """Files and directories that are put into the image; ids as in the image."""

    line: int
    text: str
    files: tuple[CopiedFile, ...]
    directories: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    mode: int = 0o644


BuildStep = RunStep | CopyStep


@dataclass(frozen=True, slots=True)
class Containerfile:
    """What to do, in order, and what the image says at the end."""

    base: str | None
    """The image to start from, by its digest; None for the one that is made of the recipe's packages."""
    steps: tuple[BuildStep, ...]
    config: ImageConfig
