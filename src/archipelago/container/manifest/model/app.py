"""The manifest, version 1: what an app says of itself.

One pydantic model is the source of the JSON Schema, of the reference page and of every check. It holds values only;
`loader` reads YAML into it and explains what is wrong, with line and column.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from archipelago.container.manifest.model.on_disk import DiskRule, Repair
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import (
    AppId,
    Argument,
    Bytes,
    ContainerPath,
    EnvironmentName,
    Key,
    LongText,
    Name,
    PackagePath,
    Port,
    Scalar,
    Seconds,
    ShortText,
    VersionRange,
    VersionText,
)


class Category(StrEnum):
    """Shelf of the store on which an app stands."""

    BITCOIN = "bitcoin"
    LIGHTNING = "lightning"
    WALLET = "wallet"
    NOSTR = "nostr"
    WEB5 = "web5"
    MESH = "mesh"
    NETWORK = "network"
    HOME = "home"
    FILES = "files"
    FINANCE = "finance"
    DEVELOPMENT = "development"
    OTHER = "other"


class Architecture(StrEnum):
    """CPU architecture, by its OCI name."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class Egress(StrEnum):
    """What an app may reach outside the node."""

    NONE = "none"
    """Nothing."""
    TOR = "tor"
    """The internet through Tor only; there is no direct route."""
    DIRECT = "direct"
    """The internet, but neither the local network nor the host itself."""
    LAN = "lan"
    """The internet and the machines of the local network, but not the host itself."""

    @property
    def is_direct(self) -> bool:
        """Whether there is a route to the outside."""
        return self in (Egress.DIRECT, Egress.LAN)


class Host(Part):
    """The least host on which the app makes sense."""

    memory: Bytes = 0
    """Memory of the host, in bytes or as `2GiB`."""
    disk: Bytes = 0
    """Free disk at installation, in bytes or as `10GB`."""


# --- images ---------------------------------------------------------------------------------------------------------


class RecipeFile(Part):
    """A file of the app's folder that goes into the image."""

    source: PackagePath
    """Path inside the app's folder."""
    path: ContainerPath
    """Path inside the image."""
    executable: bool = False
    """Whether the file may be run (mode 0755 instead of 0644)."""


Suite = Literal["bookworm", "trixie", "sid"]
DebianPackage = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.=:~-]*$", max_length=80)]
DebianPackages = Annotated[tuple[DebianPackage, ...], Field(min_length=1, max_length=100)]


class PythonBuild(Part):
    """How Python packages without a wheel are built: in a throw-away container, without a network."""

    requirements: PackagePath
    """A requirements file with what builds them (such as setuptools): wheels, with pinned versions and hashes."""
    packages: Annotated[tuple[DebianPackage, ...], Field(max_length=100)] = ()
    """Debian packages that are there beside `python3` while they are built, such as `gcc` and `python3-dev`."""


class PackagesRecipe(Part):
    """An image made from a distribution's signed packages, without any container registry."""

    type: Literal["packages"]
    """Always `packages` for this kind of recipe."""
    suite: Suite = "bookworm"
    """Debian suite from which the packages come, with its security and other updates."""
    packages: DebianPackages
    """Debian packages, each optionally `name=version`; one with the app's id is told when it differs from `version`."""
    python: PackagePath | None = None
    """A requirements file with pinned versions and hashes, installed into the image's Python (package `python3`)."""
    python_build: PythonBuild | None = None
    """What builds source distributions among them; without it, each must have a wheel, and nothing is executed."""
    files: tuple[RecipeFile, ...] = ()
    """Files of the app's folder that are copied into the image."""

    @property
    def requirements_files(self) -> tuple[str, ...]:
        """Paths of its requirements files inside the app's folder."""
        build = () if self.python_build is None else (self.python_build.requirements,)
        return build if self.python is None else (self.python, *build)

    @model_validator(mode="after")
    def _builds_something(self) -> Self:
        if self.python_build is not None and self.python is None:
            raise ValueError("'python_build' is given, and 'python' is not: there is nothing to build")
        return self


class PackagesBase(Part):
    """An image to build upon, made from a distribution's signed packages, without any container registry.

    The packages are unpacked and their set-up scripts are not run. `RUN` with a line of shell needs a shell among them.
    """

    suite: Suite = "bookworm"
    """Debian suite from which the packages come, with its security and other updates."""
    packages: DebianPackages
    """Debian packages, each optionally `name=version`; without any that only the build needs, as all of them stay."""


class ContainerfileRecipe(Part):
    """An image built from a Containerfile in the app's folder."""

    type: Literal["containerfile"]
    """Always `containerfile` for this kind of recipe."""
    containerfile: PackagePath = "Containerfile"
    """Path of the Containerfile inside the app's folder; the folder is the build context."""
    base: PackagesBase | None = None
    """Image that is made first and given to the build as argument `BASE`: begin with `ARG BASE` and `FROM $BASE`."""


Recipe = Annotated[PackagesRecipe | ContainerfileRecipe, Field(discriminator="type")]

ImageReference = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9][a-z0-9.:/_-]*(:[A-Za-z0-9_.-]+)?@sha256:[0-9a-f]{64}$",
        max_length=400,
    ),
]
"""An OCI image reference with its digest, such as `docker.io/library/redis:7@sha256:…`."""


# --- what the owner may set ------------------------------------------------------------------------------------------


class BaseOption(Part):
    """What all kinds of option have."""

    label: ShortText
    """Name shown to the owner."""
    help: LongText | None = None
    """Sentence that explains the option."""
    advanced: bool = False
    """Whether the option is hidden until asked for."""


class BoolOption(BaseOption):
    """A switch."""

    type: Literal["bool"]
    """Always `bool` for this kind of option."""
    default: bool
    """Value until the owner sets one."""


class IntOption(BaseOption):
    """A whole number."""

    type: Literal["int"]
    """Always `int` for this kind of option."""
    default: int
    """Value until the owner sets one; within the bounds."""
    minimum: int | None = None
    """Smallest value that is allowed."""
    maximum: int | None = None
    """Largest value that is allowed."""
    unit: Annotated[str, StringConstraints(max_length=20)] | None = None
    """Unit shown to the owner, such as `MiB` or `blocks`."""


class StringOption(BaseOption):
    """A text."""

    type: Literal["string"]
    """Always `string` for this kind of option."""
    default: Annotated[str, StringConstraints(max_length=4096)]
    """Value until the owner sets one; one line."""
    pattern: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Regular expression that the whole text must match."""
    form: ShortText | None = None
    """What the pattern asks for, in words for the owner, such as `lower case letters and digits`."""
    max_length: Annotated[int, Field(ge=1, le=4096)] = 200
    """Most characters that a value may have."""


class ChoiceOption(BaseOption):
    """One of several named values."""

    type: Literal["choice"]
    """Always `choice` for this kind of option."""
    default: str
    """Value until the owner sets one; one of the choices."""
    choices: tuple[ShortText, ...] = Field(min_length=1, max_length=50)
    """The values that are allowed."""


Option = Annotated[BoolOption | IntOption | StringOption | ChoiceOption, Field(discriminator="type")]


class OptionRule(Part):
    """A rule between options: when all of `when` hold, all of `require` must hold as well."""

    when: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that make the rule apply."""
    require: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that they must have then."""
    because: ShortText
    """Reason, shown to the owner when the rule is broken."""


class SecretKind(StrEnum):
    """How a secret is made."""

    PASSWORD = "password"  # noqa: S105
    """Letters and digits, easy to copy."""
    HEX = "hex"
    """Hexadecimal digits."""
    TOKEN = "token"  # noqa: S105
    """URL-safe base64."""
    KEYPAIR = "keypair"
    """Private Ed25519 key (PEM, PKCS #8); the filter `public_key` gives its public half (PEM)."""


class GeneratedSecret(Part):
    """A secret that the node makes when the app is installed."""

    kind: SecretKind = SecretKind.PASSWORD
    """Form of the secret."""
    bytes: Annotated[int, Field(ge=16, le=128)] = 32
    """Random bytes behind the secret; a keypair has its own number."""


# --- containers ------------------------------------------------------------------------------------------------------


class HttpProbe(Part):
    """Healthy when the port answers an HTTP GET with a status below 400."""

    type: Literal["http"]
    """Always `http` for this kind of probe."""
    port: Port
    """Port inside the container."""
    path: Annotated[str, StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=400)] = "/"
    """Path that is asked for."""


class TcpProbe(Part):
    """Healthy when the port accepts a TCP connection."""

    type: Literal["tcp"]
    """Always `tcp` for this kind of probe."""
    port: Port
    """Port inside the container."""


class ExecProbe(Part):
    """Healthy when the command, run inside the container, ends with exit code 0.

    75 (EX_TEMPFAIL of sysexits.h) means that it works but still syncs; its first line of output says how far it is.
    """

    type: Literal["exec"]
    """Always `exec` for this kind of probe."""
    command: tuple[Argument, ...] = Field(min_length=1, max_length=50)
    """Program inside the container and its arguments; not a template."""


class ChainProbe(Part):
    """Asks a chain daemon for its height and progress: initial block download is `syncing`, not a failure."""

    type: Literal["chain"]
    """Always `chain` for this kind of probe."""
    chain: Literal["bitcoin"] = "bitcoin"
    """Which chain's RPC the daemon speaks."""
    port: Port
    """RPC port inside the container."""
    user: Key = "archipelago"
    """RPC user of the node's own probe."""
    secret: Key
    """Secret that holds the user's password."""


Probe = Annotated[HttpProbe | TcpProbe | ExecProbe | ChainProbe, Field(discriminator="type")]


class HealthCheck(Part):
    """How the node finds out whether a container does its work."""

    probe: Probe
    """What is asked of the container."""
    interval: Annotated[Seconds, Field(ge=0.2)] = 10.0
    """Time between two probes once the container is healthy."""
    timeout: Annotated[Seconds, Field(ge=0.1, le=120)] = 5.0
    """Time after which one probe counts as failed."""
    failures: Annotated[int, Field(ge=1, le=100)] = 3
    """Failed probes in a row after which a healthy container is unhealthy."""
    start_timeout: Seconds = 120.0
    """Time in which a started container must answer once, before it counts as unhealthy."""


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
    """Whether a small init reaps orphaned processes (PID 1)."""

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


# --- storage, interfaces, endpoints ----------------------------------------------------------------------------------


class BackupPolicy(StrEnum):
    """What a backup does with a volume."""

    INCLUDE = "include"
    """It is backed up and restored."""
    EXCLUDE = "exclude"
    """It is left out, as it can be made again (a chain, an index)."""
    NEVER = "never"
    """Restoring an old copy would lose funds (a Lightning channel database)."""


_EXPORT = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z][a-z0-9_]*$"


class SizeWhen(Part):
    """Size of a volume under certain options of the app."""

    when: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that they all have."""
    disk: Bytes
    """Expected size then."""


class Volume(Part):
    """A directory that outlives its containers. Those that share it run as the same user."""

    backup: BackupPolicy = BackupPolicy.INCLUDE
    """What a backup does with it."""
    disk: Bytes = 0
    """Expected size, shown before installation."""
    disk_when: tuple[SizeWhen, ...] = Field(default=(), max_length=20)
    """Expected size where it depends on options; the first that applies counts, and `disk` where none does."""
    exclusive: bool = False
    """Whether only one container may ever have it mounted at a time."""
    funds: bool = False
    """Whether it holds keys to money: a removal of the app with its data keeps it aside, until its owner deletes it."""
    per: Annotated[str, StringConstraints(pattern=_EXPORT, max_length=81)] | None = None
    """Value of a provider to which the data belongs, such as `bitcoin-rpc.network` (an interface of `requires`, and one
    of its `exports`): for each value there is a directory of its own, and one that was left is found again."""


class Credentials(StrEnum):
    """What a provider hands each consumer of an interface."""

    NONE = "none"
    """Nothing: whoever reaches the port may use it."""
    RPCAUTH = "rpcauth"
    """A user and password of the consumer's own; the provider only knows the salted hash (Bitcoin Core rpcauth)."""


class Provided(Part):
    """An interface that the app offers to others."""

    version: VersionText | None = None
    """Version of the interface; the app's own version where it is left out."""
    container: Name
    """Container that serves it."""
    port: Port
    """Port inside that container."""
    accepts: tuple[Key, ...] = ()
    """Options of this app that a consumer may demand a value of."""
    credentials: Credentials = Credentials.NONE
    """What each consumer gets to identify itself with."""
    exports: dict[Key, Annotated[str, StringConstraints(max_length=1000)]] = Field(default={})
    """Further values for consumers; each is a template over this app's options, and makes one line."""


class Wait(StrEnum):
    """What a dependent waits for before it starts."""

    STARTED = "started"
    """The provider's container runs."""
    SERVING = "serving"
    """The provider answers, be it still syncing."""
    HEALTHY = "healthy"
    """The provider is healthy (a chain daemon: synchronised)."""


class InterfaceRole(StrEnum):
    """What a consumer may do with an interface whose provider knows its consumers by login."""

    READ = "read"
    """See what is public, and broadcast what is signed elsewhere."""
    WALLET = "wallet"
    """Make and use wallets as well."""
    FULL = "full"
    """Everything."""


class Required(Part):
    """An interface that the app needs from another app."""

    version: VersionRange = ""
    """Versions of the interface that will do, such as `>=25,<31`; empty for any."""
    demands: dict[Key, Scalar] = Field(default={})
    """Options of the provider that must have these values, such as `txindex: true`."""
    optional: bool = False
    """Whether the app runs without it; it is used when a provider is installed."""
    default: AppId | None = None
    """Provider that is proposed when none is installed."""
    wait: Wait = Wait.HEALTHY
    """State of the provider for which the start of this app waits."""
    role: InterfaceRole = InterfaceRole.READ
    """What the app may do with the interface, where the provider gives each consumer a login (`credentials`)."""


class Conflict(Part):
    """An app or interface that cannot be installed beside this one."""

    app: AppId | None = None
    """App that is in the way."""
    interface: Name | None = None
    """Interface whose providers are in the way."""
    because: ShortText
    """Reason, shown to the owner."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.app is None) == (self.interface is None):
            raise ValueError("give either 'app' or 'interface', and not both")
        return self


class EndpointKind(StrEnum):
    """What an endpoint is for."""

    UI = "ui"
    API = "api"
    P2P = "p2p"


class Protocol(StrEnum):
    """Protocol that an endpoint speaks."""

    HTTP = "http"
    TCP = "tcp"


class Scheme(StrEnum):
    """How the address of an endpoint begins; from the local network it is the one with TLS."""

    HTTP = "http"
    """`http://` on the node itself, `https://` from the local network."""
    WS = "ws"
    """`ws://` and `wss://`: WebSockets, such as those of a Nostr relay."""
    TCP = "tcp"
    """`tcp://` and `ssl://`: what Electrum wallets read."""


class EndpointLogin(StrEnum):
    """Whether an endpoint has a login of its own."""

    OWN = "own"
    """The app asks for a login before it shows or does anything."""
    NONE = "none"
    """No login: whoever reaches the port is let in."""


class Access(StrEnum):
    """Who may reach an endpoint."""

    HOST = "host"
    """The node itself (loopback)."""
    LAN = "lan"
    """Machines of the local network."""
    TOR = "tor"
    """Anybody, through an onion address."""
    INTERNET = "internet"
    """Anybody."""


class Endpoint(Part):
    """A port that people or other machines reach."""

    kind: EndpointKind
    """Whether people (`ui`), programs (`api`) or peers (`p2p`) use it."""
    protocol: Protocol = Protocol.TCP
    """Protocol that it speaks."""
    scheme: Scheme | None = None
    """How its address begins; `http` for that protocol. Without a scheme it is `host:port`, and gets no TLS."""
    login: EndpointLogin = EndpointLogin.NONE
    """Whether the app asks for a login. A page (`ui`) with `none` is never opened to the local network."""
    container: Name
    """Container that serves it."""
    port: Port
    """Port inside the container."""
    host_port: Port
    """Port proposed on the host."""
    access: tuple[Access, ...] = (Access.HOST,)
    """Who may reach it until the owner decides; `lan` on the addresses that he chose, `tor` and `internet` not yet."""
    label: ShortText | None = None
    """Name shown to the owner."""
    path: Annotated[str, StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=400)] = "/"
    """Path at which a user interface begins."""


# --- domain metadata -------------------------------------------------------------------------------------------------


class BitcoinMetadata(Part):
    """What the app has to do with a Bitcoin chain."""

    role: Literal["node", "indexer", "wallet", "explorer", "miner", "other"]
    """Part that the app plays."""
    networks: tuple[Literal["mainnet", "testnet4", "signet", "regtest"], ...] = ("mainnet",)
    """Networks on which it works."""
    network_option: Key | None = None
    """Option that chooses the network."""


class LightningMetadata(Part):
    """What the app has to do with Lightning."""

    role: Literal["node", "wallet", "tool"]
    """Part that the app plays."""
    implementation: ShortText | None = None
    """Lightning implementation, such as `LND` or `Core Lightning`."""
    channel_backup: ContainerPath | None = None
    """Static channel backup (BOLT 2 data loss protection): the only part of the channel state that is backed up."""


class Web5Metadata(Part):
    """What the app has to do with Nostr, DIDs and decentralised web nodes."""

    role: Literal["relay", "dwn", "did", "wallet", "client"]
    """Part that the app plays."""
    nips: tuple[int, ...] = ()
    """Nostr implementation possibilities (NIPs) that it supports."""


class AppManifest(Part):
    """The whole manifest of one app (`apps/<id>/manifest.yml`)."""

    manifest: Literal[1]
    """Version of the manifest format."""
    id: AppId
    """Name of the app in commands and on disk; the same as the name of its folder."""
    name: ShortText
    """Name shown to the owner."""
    version: VersionText
    """Version of the app (PEP 440)."""
    summary: ShortText
    """One line for the store's list."""
    description: LongText
    """What the app does, for the store's page: paragraphs, points (`- …`) and code spans of Markdown, and no HTML."""
    category: Category
    """Shelf of the store on which it stands."""
    license: ShortText
    """SPDX licence expression."""
    website: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$", max_length=300)] | None = None
    """Home page."""
    source: Annotated[str, StringConstraints(pattern=r"^https://[\x21-\x7e]+$", max_length=300)] | None = None
    """Where its source code lies."""
    release_notes: LongText | None = None
    """What is new in this version."""
    architectures: tuple[Architecture, ...] = (Architecture.AMD64, Architecture.ARM64)
    """CPU architectures on which it runs."""
    host: Host = Host()
    """The least host on which it makes sense."""
    egress: Egress = Egress.NONE
    """What it may reach outside the node; `tor` needs `tor-socks` in `requires`."""
    options: dict[Key, Option] = Field(default={}, max_length=100)
    """What the owner may set, by name."""
    rules: tuple[OptionRule, ...] = ()
    """Rules between options."""
    disk_rules: tuple[DiskRule, ...] = Field(default=(), max_length=50)
    """Rules about options and what is on disk already."""
    repairs: dict[Key, Repair] = Field(default={}, max_length=20)
    """Repairs that the owner can run when the app does not come up, by name."""
    secrets: dict[Key, GeneratedSecret] = Field(default={}, max_length=50)
    """Secrets that the node makes for it, by name."""
    volumes: dict[Name, Volume] = Field(default={}, max_length=20)
    """Directories that outlive its containers, by name."""
    containers: dict[Name, Container] = Field(min_length=1, max_length=20)
    """What runs, by name."""
    provides: dict[Name, Provided] = Field(default={}, max_length=20)
    """Interfaces that it offers to other apps, by interface."""
    requires: dict[Name, Required] = Field(default={}, max_length=20)
    """Interfaces that it needs from other apps, by interface."""
    conflicts: tuple[Conflict, ...] = ()
    """What cannot be installed beside it."""
    leases: tuple[Name, ...] = ()
    """Things of which there is one on a node (`lightning-keys`).

    Two apps that hold the same one are never installed together.
    """
    endpoints: dict[Name, Endpoint] = Field(default={}, max_length=20)
    """Ports that people or other machines reach, by name."""
    bitcoin: BitcoinMetadata | None = None
    """What it has to do with a Bitcoin chain."""
    lightning: LightningMetadata | None = None
    """What it has to do with Lightning."""
    web5: Web5Metadata | None = None
    """What it has to do with Nostr, DIDs and web nodes."""
