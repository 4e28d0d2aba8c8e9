"""Parts of the manifest about one container: what runs in it, what it sees, and its limits."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from archipelago.container.manifest.model.images import ImageReference, Recipe
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.probes import HealthCheck
from archipelago.container.manifest.model.scalars import (
    Argument,
    Bytes,
    ContainerPath,
    EnvironmentName,
    Name,
    PackagePath,
    Seconds,
)


class Stop(Part):
    """How a container ends in good order."""

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] = "SIGTERM"
    """Signal that asks the main process to end."""
    grace: Seconds = 30.0
    """Time it gets before it is killed; a chain daemon needs minutes to flush."""


class ContainerResources(Part):
    """Upper limits of one container."""

    memory: Annotated[Bytes, Field(ge=16 * 1024**2)] = 512 * 1024**2
    """Memory, in bytes or as `512MiB`."""
    cpu: Annotated[float, Field(gt=0, le=256)] = 1.0
    """CPU cores, such as 0.5."""
    pids: Annotated[int, Field(ge=4, le=65536)] = 256
    """Processes and threads."""
    open_files: Annotated[int, Field(ge=64, le=1048576)] = 4096
    """Open files of each process (`nofile`)."""


class Capability(StrEnum):
    """Linux capabilities (capabilities(7)) that a manifest may ask for; all others stay dropped."""

    CHOWN = "CAP_CHOWN"
    DAC_OVERRIDE = "CAP_DAC_OVERRIDE"
    FOWNER = "CAP_FOWNER"
    KILL = "CAP_KILL"
    NET_BIND_SERVICE = "CAP_NET_BIND_SERVICE"
    SETGID = "CAP_SETGID"
    SETUID = "CAP_SETUID"


class SystemCalls(StrEnum):
    """Groups of system calls that few programs need and that are refused otherwise (seccomp(2))."""

    DEBUG = "debug"
    """Looking into other processes of the container: ptrace(2) and its kin."""
    IO_URING = "io-uring"
    """Asynchronous input and output by io_uring(7), past which many doors into the kernel led."""
    X86_32 = "x86-32"
    """Programs for 32-bit x86."""


class Security(Part):
    """What a container needs beyond the least."""

    capabilities: tuple[Capability, ...] = ()
    """Linux capabilities that it keeps; all others are dropped."""
    devices: tuple[Annotated[str, StringConstraints(pattern=r"^/dev/[A-Za-z0-9/_-]+$", max_length=100)], ...] = ()
    """Host devices, each by its path."""
    system_calls: tuple[SystemCalls, ...] = ()
    """Groups of system calls that it may use beside those of ordinary programs."""
    writable_root: bool = False
    """Whether the root file system may be written (it is lost at each re-creation)."""


class Mount(Part):
    """A volume of the app, seen by one container."""

    volume: Name
    """Volume of this app."""
    path: ContainerPath
    """Directory inside the container where it appears; not `/etc`, and nothing below `/proc`, `/sys` or `/dev`."""
    read_only: bool = False
    """Whether the container may only read it."""


class Tmpfs(Part):
    """Scratch space in memory."""

    path: ContainerPath
    """Directory inside the container."""
    size: Bytes = 64 * 1024**2
    """Most memory that it may take, in bytes or as `64MiB`; at least `4KiB`."""


class File(Part):
    """A configuration file, rendered from a template of the app's folder onto a tmpfs and mounted read-only."""

    path: ContainerPath
    """Path inside the container."""
    template: PackagePath
    """Path of a Jinja template inside the app's folder."""
    mode: Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3}$")] = "0400"
    """File mode, in octal."""


class KeylessIdentity(Part):
    """An identity that an issuer of OpenID Connect tokens vouched for when the image was signed (Sigstore)."""

    identity: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=400)]
    """Mail address, or a workflow (`https://github.com/acme/tool/.github/workflows/release.yml`, whatever the tag)."""
    issuer: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$", max_length=400)]
    """Who vouched, such as `https://token.actions.githubusercontent.com`."""


class Container(Part):
    """One container of the app."""

    image: ImageReference | None = None
    """Image to pull: its full name, with the registry, pinned by digest."""
    signed_by: PackagePath | None = None
    """Public key (PEM, in the app's folder) by which cosign signed the image; without it only the digest counts."""
    signed_by_identity: KeylessIdentity | None = None
    """Who signed the image without a key of his own (Sigstore)."""
    build: Recipe | None = None
    """Image to build on this node instead."""
    entrypoint: tuple[Argument, ...] = Field(default=(), max_length=50)
    """Program to run instead of the image's own, with its first arguments; not a template."""
    command: tuple[Argument, ...] = Field(default=(), max_length=200)
    """Arguments; each is a template."""
    environment: dict[EnvironmentName, Argument] = Field(default={})
    """Environment; each value is a template, which cannot name a secret."""
    secret_environment: dict[EnvironmentName, Argument] = Field(default={})
    """Environment for programs that read secrets from nowhere else (files are better): each value is a template, and is
    set inside the container only, by a small shell that then becomes the `entrypoint`, which must be given."""
    user: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}:[0-9]{1,5}$")] = "1000:1000"
    """User and group inside the container, as numbers up to 65535."""
    workdir: ContainerPath | None = None
    """Directory in which the program starts; the image's own where it is left out."""
    mounts: tuple[Mount, ...] = ()
    """Volumes that it sees."""
    tmpfs: tuple[Tmpfs, ...] = ()
    """Directories in memory, empty at each start."""
    files: tuple[File, ...] = ()
    """Configuration files rendered for it."""
    resources: ContainerResources = ContainerResources()
    """Limits on what it may take of the host."""
    security: Security = Security()
    """What it needs beyond the least privilege."""
    health: HealthCheck | None = None
    """How its health is found out; without it, a container counts as healthy once it has run for ten seconds."""
    stop: Stop = Stop()
    """How it is ended."""
    after: tuple[Name, ...] = ()
    """Containers of this app that must be healthy first; they stop in the opposite order."""
    init: bool = False
    """Whether a small init (PID 1) reaps orphaned processes, and stops the program also while it is still starting."""

    @property
    def signed(self) -> bool:
        """Whether somebody is named who signed the image."""
        return self.signed_by is not None or self.signed_by_identity is not None

    @model_validator(mode="after")
    def _secret_environment(self) -> Self:
        if self.secret_environment and not self.entrypoint:
            raise ValueError("secret_environment needs 'entrypoint': the program that gets it")
        if twice := sorted(set(self.environment) & set(self.secret_environment)):
            raise ValueError(f"{twice[0]} stands in environment and in secret_environment")
        return self

    @model_validator(mode="after")
    def _one_image(self) -> Self:
        if self.signed_by is not None and self.signed_by_identity is not None:
            raise ValueError("give either signed_by or signed_by_identity")
        if self.signed and self.image is None:
            raise ValueError("signed_by is about an image that is pulled; what is built here the node makes itself")
        if (self.image is None) == (self.build is None):
            raise ValueError("give either 'image' (with a digest) or 'build', and not both")
        return self
