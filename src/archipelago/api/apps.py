"""What the node says of its apps: the values that the RPC, the command line and the page show."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from archipelago.container.dependency_resolver.rating import Rating
from archipelago.container.manifest.exposure import KeptIn
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.storage.records.apps import Desired


class View(BaseModel):
    """Base of every value that leaves the node: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HealthState(StrEnum):
    """State of an app or of one of its containers."""

    STARTING = "starting"
    SYNCING = "syncing"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BACKING_OFF = "backing-off"
    WAITING = "waiting"
    """It waits for another app."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    """It cannot be brought up; the reason says why, and the node goes on trying."""


class Sync(View):
    """How far a chain is."""

    chain: str
    height: Annotated[int, Field(ge=0)]
    headers: Annotated[int, Field(ge=0)]
    percent: Annotated[float, Field(ge=0, le=100)]
    initial_block_download: bool
    seconds_left: float | None = None
    """Estimate of the time to the tip, from the progress seen so far."""
    peers: Annotated[int, Field(ge=0)] | None = None
    """Nodes that it is connected with, where it says so."""
    tip_at: datetime | None = None
    """When its newest block was made, by the block itself."""
    stale: bool = False
    """Whether it has stood still for so long that it cannot be the newest state of the chain."""


class Failure(View):
    """The last time that something went wrong."""

    at: datetime
    reason: str
    exit_code: int | None = None
    logs: tuple[str, ...] = ()
    """Last lines of the container's log."""


class Health(View):
    """Health of an app or container."""

    state: HealthState
    reason: str = ""
    since: datetime | None = None
    sync: Sync | None = None
    restarts: int = 0
    """Restarts by the node since the last healthy spell."""
    retry_at: datetime | None = None
    needs_owner: bool = False
    """Whether only the owner can help, as where the data is missing; the reason says how."""
    failure: Failure | None = None


class Limits(View):
    """Upper limits of a container."""

    memory: int
    cpu: float
    pids: int


class ContainerStatus(View):
    """One container of an app."""

    name: str
    container: str
    """Its name in Podman."""
    image: str
    state: str
    """State as Podman reports it, or `absent`."""
    health: Health
    limits: Limits
    started_at: datetime | None = None


class EndpointStatus(View):
    """Where an endpoint of an app is reached."""

    name: str
    kind: str
    protocol: str
    address: str
    """`http://127.0.0.1:8480/`, `tcp://127.0.0.1:50001` or `127.0.0.1:8333`."""
    local_addresses: tuple[str, ...] = ()
    """Where it is reached from the local network: `https://192.168.1.5:8480/`."""
    open: bool = False
    """Whether it is open to the local network, wherever the node listens there."""
    kept_in: KeptIn | None = None
    """Why it cannot be opened; null where it can."""
    label: str | None = None


class Dependency(View):
    """One app that another one uses."""

    interface: str
    app: str
    optional: bool


class LostVolume(View):
    """A volume with which its app cannot run."""

    volume: str
    lost: bool
    """Whether data that was there is gone; if not, it is there and belongs to others' user ids."""
    what: str
    remedy: str


class RepairView(View):
    """A repair that an app declares."""

    repair: str
    label: str
    description: str
    suggested: bool = False
    """Whether the app fails now, with signs that this repair is for."""


class RepairPreview(View):
    """What a repair would do."""

    app: str
    repair: str
    label: str
    description: str
    effects: tuple[str, ...]
    """Sentences, in the order in which it is done."""
    funds: bool = False
    """Whether it touches a volume that holds keys to money."""
    used_by: tuple[str, ...] = ()
    """Apps that have to do without it meanwhile."""


class AppStatus(View):
    """One installed app, whole."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    summary: str
    desired: Desired
    health: Health
    chain: Sync | None = None
    """Height and progress, for an app that follows a chain."""
    containers: tuple[ContainerStatus, ...]
    endpoints: tuple[EndpointStatus, ...] = ()
    options: dict[str, Scalar] = {}
    options_set: tuple[str, ...] = ()
    """Names of the options that the owner set himself."""
    uses: tuple[Dependency, ...] = ()
    used_by: tuple[str, ...] = ()
    update_to: str | None = None
    """Newer version in the catalog."""
    operation: str | None = None
    """Operation that works on the app now."""
    rating: Rating
    """How little it asks for, by its manifest."""
    not_enforced: tuple[str, ...] = ()
    """What was asked for and the host cannot enforce."""
    lost_volumes: tuple[LostVolume, ...] = ()
    """Volumes because of which it does not start."""
    repairs: tuple[RepairView, ...] = ()
    """What its owner may have done where it does not come up."""


class AppSummary(View):
    """One installed app, in a list."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    desired: Desired
    state: HealthState
    reason: str = ""
    percent: float | None = None
    """Progress while it is syncing."""
    chain: Sync | None = None
    follows_chain: bool = False
    """Whether it follows a chain; it reports how far it is only while it runs."""
    """Height and progress, for an app that follows a chain."""
    endpoints: tuple[EndpointStatus, ...] = ()
    operation: str | None = None


class OperationKind(StrEnum):
    """What an operation does."""

    INSTALL = "install"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REMOVE = "remove"
    UPDATE = "update"
    CONFIGURE = "configure"
    SECRETS = "secrets"
    """Secrets are set or replaced."""
    REPAIR = "repair"
    """What an app declares to repair it is carried out."""


class OperationState(StrEnum):
    """How far an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED)


class Step(View):
    """One step of an operation."""

    name: str
    """What is done, such as `build image of electrumx`."""
    state: OperationState = OperationState.PENDING
    percent: float | None = None
    detail: str = ""


class ErrorView(View):
    """Why an operation failed."""

    code: str
    message: str
    hint: str = ""
    data: dict[str, object] = {}


class Operation(View):
    """A durable piece of work, with steps and progress."""

    id: str
    kind: OperationKind
    app: str
    state: OperationState
    percent: Annotated[float, Field(ge=0, le=100)]
    steps: tuple[Step, ...] = ()
    error: ErrorView | None = None
    cancellable: bool = True
    """Whether cancelling it brings back what was before; false once it is past that point."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0
    """Revision of the event stream that contains the operation's newest change."""


class Event(View):
    """Something that changed."""

    revision: int
    at: datetime
    kind: str
    """`app`, `operation`, `health`, `catalog` or `system`."""
    app: str | None = None
    message: str = ""
    data: dict[str, object] = {}


class LogLine(View):
    """One line of a container's log."""

    container: str
    stream: str
    at: datetime | None = None
    text: str
    missing: int = 0
    """Lines of this container that are missing before it: they were written faster than they could be passed on."""


class ExecResult(View):
    """How a command inside a container ended."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool = False


class CatalogEntry(View):
    """An app that can be installed."""

    app: str
    name: str
    icon: str | None = None
    """Version of its icon, which is at `/icons/<app>?v=<version>`; null without one."""
    version: str
    summary: str
    description: str
    category: str
    license: str
    website: str | None = None
    architectures: tuple[str, ...]
    memory: int = 0
    """Least memory of the host, in bytes."""
    disk: int = 0
    """Bytes of disk that it is expected to take, and at least needs to be installed."""
    requires: tuple[str, ...]
    provides: tuple[str, ...]
    installed: str | None = None
    """Installed version."""
    update_to: str | None = None
    """Version of this entry, where it is newer than the installed one."""
    rating: Rating | None = None
    """How little it asks for."""
    problem: str | None = None
    """Why it cannot be used (its manifest is wrong)."""


class SecretView(View):
    """A secret of an app, without its value."""

    name: str
    """As in the manifest; `edge.<interface>.<consumer>` is the login of a consumer."""
    created_at: datetime
    """When it was made, set or rotated."""


class ConfigRevision(View):
    """A configuration that an app had from some time on. Who made it stands in the audit log."""

    number: int
    at: datetime
    why: str
    version: str | None
    """Of the app; null from its removal on."""
    options: dict[str, Scalar]
    """What the owner had set; all others had their defaults."""
    choices: dict[str, str]
    """Interface -> app that provides it."""


class SettingChange(View):
    """What is different between two configurations."""

    what: str
    """An option, `version`, or `provider of <interface>`."""
    before: Scalar | None
    """Null where it was not set."""
    after: Scalar | None


class MetricsSpan(StrEnum):
    """How far back one looks."""

    HOUR = "hour"
    DAY = "day"


class Measure(StrEnum):
    """What is measured of an app."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


class MetricsPoint(View):
    """What an app used in the step that ended then; rates in bytes per second."""

    at: datetime
    cpu: Annotated[float, Field(ge=0)]
    """Cores."""
    memory: Annotated[int, Field(ge=0)]
    """Bytes."""
    disk_read: Annotated[float, Field(ge=0)]
    disk_written: Annotated[float, Field(ge=0)]
    received: Annotated[float, Field(ge=0)]
    sent: Annotated[float, Field(ge=0)]


class MetricsView(View):
    """What an app used over time."""

    step: float
    """Seconds between two points."""
    points: tuple[MetricsPoint, ...]
    """The oldest first; they start with the node's start."""
    not_counted: tuple[Measure, ...] = ()
    """What this host does not count, since no controller of cgroup2 is delegated for it; its values are zero."""


class OptionKind(StrEnum):
    """What an option takes."""

    BOOL = "bool"
    INT = "int"
    STRING = "string"
    CHOICE = "choice"


class OptionView(View):
    """An option of an app, as a form needs it."""

    name: str
    kind: OptionKind
    label: str
    help: str | None = None
    advanced: bool = False
    """Whether it is hidden until asked for."""
    default: Scalar
    value: Scalar
    """What is in force."""
    set_by_owner: bool = False
    demanded_by: tuple[str, ...] = ()
    """Apps that need this value."""
    minimum: int | None = None
    maximum: int | None = None
    unit: str | None = None
    pattern: str | None = None
    """Regular expression of Python that the whole text must match."""
    max_length: int | None = None
    choices: tuple[str, ...] = ()


class ConfigPreview(View):
    """What a change of options would do."""

    changes: tuple[SettingChange, ...]
    """Values in force; those of other apps, which follow, are named `<app>: <option>`."""
    restarts: tuple[str, ...]
    """Apps that restart, this one among them where it does."""
    interrupts: tuple[str, ...] = ()
    """Apps that run on, and miss what they use while others restart."""
    data: tuple[str, ...] = ()
    """Sentences about data: what stays for the former value, what is used instead, and whether the disk suffices."""


class Change(StrEnum):
    """What is done with an app that runs."""

    STOP = "stop"
    RESTART = "restart"


class ChangePreview(View):
    """What stopping or restarting an app does to others."""

    app: str
    stops: tuple[str, ...]
    """Apps that stop before it, since they cannot do without it, in that order; they come back with it."""
    interrupts: tuple[str, ...]
    """Apps that run on, and miss what they use meanwhile."""


class PackageChange(View):
    """A package of an image that an update brought, took away or changed."""

    ecosystem: str
    """`deb`, `apk`, `pypi` or `npm`."""
    name: str
    before: str | None
    """Version until the update; null for one that is new."""
    after: str | None
    """Version since; null for one that is gone."""


class VolumeView(View):
    """A directory of an app that outlives its containers."""

    name: str
    size: int
    """Bytes that it takes on the disk."""
    counted: bool = True
    """Whether all of it was counted in time; if not, it takes more."""
    funds: bool = False
    """Whether it holds keys to money."""


class RemovalPreview(View):
    """What a removal of an app would take with it."""

    app: str
    needed_by: tuple[str, ...] = ()
    """Apps that cannot do without it: while they are installed, it is not removed."""
    volumes: tuple[VolumeView, ...] = ()
    """What goes where its data is deleted too, but for those with keys to money, and stays where it is not."""
    secrets: int = 0
    """Number of secrets, which go with the data, or are kept with the keys to money."""
