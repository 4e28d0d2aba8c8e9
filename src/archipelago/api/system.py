"""What the node says of itself and its host: the values that the RPC, the command line and the page show."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hiding
from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View


class Severity(StrEnum):
    """Weight of a finding."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Its place among the levels, the most serious last."""
        return list(Severity).index(self)


class Finding(Translatable, View):
    """One thing that the doctor looked at."""

    check: str
    severity: Severity
    what: Prose
    why: Prose = ""
    mend: Prose = ""
    """Command or step that fixes it."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    APP = "app"
    """An app that does not run as it should."""
    OPERATION = "operation"
    """The last operation on an app, which failed."""
    UPDATE = "update"
    """A newer version of an app."""
    UPDATED = "updated"
    """An update that was installed by itself."""
    DISK = "disk"
    """Little disk is left."""
    DISK_SOON = "disk-soon"
    """The disk will be full within a week."""
    MEMORY = "memory"
    """Apps are paused because programs waited for memory."""
    FINDING = "finding"
    """Something that the doctor found."""
    WORDS = "words"
    """Words that open money, and that nobody has shown to have on paper."""
    CHANNEL = "channel"
    """A channel by which notices do not reach the owner."""


class Later(StrEnum):
    """When the owner wants to be reminded of a notice."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


class SuggestedOption(View):
    """An option of an app that helps, for its owner to set."""

    app: str
    option: str
    value: int


class Notice(Translatable, View):
    """Something that needs the owner."""

    id: str
    """The same for as long as it is about the same thing."""
    said: str
    """Another one when it says something else: who acknowledges it says by this what he has seen."""
    level: Severity
    """`error` only where something may be lost or in danger."""
    kind: NoticeKind
    cause: str
    """The same for notices that have one cause: `app:knots`, `updates`, `disk`, `host:enforcement` or `channels`."""
    app: str | None = None
    name: str = ""
    """Name of the app."""
    text: Prose
    """What it is, in words."""
    detail: Prose = ""
    """The reason."""
    consequence: Prose = ""
    """What happens if nothing is done."""
    mend: Prose = ""
    """Command or step that fixes it, where the doctor knows one."""
    suggests: SuggestedOption | None = None
    """Setting that helps, where there is one; nothing is set unasked."""
    operation: str | None = None
    """Operation that it is about."""
    version: str | None = None
    """Version that an update brings."""
    may_mute: bool = True
    """False where security is at stake: it can be acknowledged, and comes back when it says something else."""
    hidden: Hiding | None = None
    hidden_until: datetime | None = None
    """When the owner is reminded of it."""


class LocalAccessView(Translatable, View):
    """Whether the node is reachable from the local network."""

    wanted: tuple[str, ...]
    """What the owner decided: `lan` for whatever addresses the host has, or some of them; empty for loopback alone."""
    available: tuple[str, ...]
    """Addresses of this host on which it may listen."""
    listening: tuple[str, ...]
    """Addresses on which it does, besides loopback."""
    addresses: tuple[str, ...]
    """Where its own page is, as URLs."""
    names: tuple[str, ...]
    """Names by which it may be called there."""
    endpoints: tuple[str, ...]
    """Endpoints of apps that are reachable, as clients write them."""
    problems: tuple[Prose, ...]
    authority: str
    """Certificate of the node's own authority (PEM), for browsers to trust; it vouches for local addresses alone."""
    fingerprint: str
    """SHA-256 of that certificate, as browsers show it."""
    valid_until: datetime


class FirewallView(View):
    """The rules for the firewall of the host."""

    rules: str
    """Script for nft(8)."""
    problem: str = ""
    """What nftables says against them; empty where it takes them."""


class SetupStep(StrEnum):
    """What an owner does once, at the start."""

    PHRASE = "phrase"
    """He has written the recovery phrase down, and shown that he did."""
    NETWORK = "network"
    """He has chosen which chain is followed."""
    REACH = "reach"
    """He has chosen from where the node can be reached."""
    FINISHED = "finished"
    """He wants to hear no more of it."""


class SetupProgress(View):
    """How far the owner is with setting the node up."""

    done: tuple[SetupStep, ...]


class OwnLimitsView(View):
    """Limits of an app that the owner set; null where he set none."""

    memory: int | None = None
    """Bytes."""
    cpu: float | None = None
    """Cores."""
    cpu_weight: int | None = None
    io_weight: int | None = None
    pids: int | None = None
    disk: int | None = None
    """Bytes of its volumes; 0 for no limit."""


class AppResources(View):
    """What an app may take of the host, and takes now."""

    app: str
    name: str
    desired: Desired
    memory_limit: int
    """Bytes, all its containers together; likewise the others."""
    cpu_limit: float
    """Cores."""
    pids_limit: int
    memory_promised: int = 0
    """Bytes of its limit that it keeps while memory is short; all promises together fit the host."""
    cpu_weight: int = 100
    """Its share of busy processors against other apps, from 1 to 10000; 100 is usual."""
    io_weight: int = 100
    """Its share of a busy disk, likewise."""
    disk_limit: int | None = None
    """Bytes that its volumes may take; null without a limit."""
    disk_used: int | None = None
    """Bytes that they took when they were counted last; null until they were."""
    own: OwnLimitsView = OwnLimitsView()
    """Which of these the owner set."""
    memory_used: int | None = None
    """Bytes; null where it does not run, or the host does not count it."""
    cpu_used: float | None = None
    """Cores, in the last ten seconds."""
    written_in_a_day: int | None = None
    """Bytes that it wrote to the disk in a day, or since the node started; null where the host does not count them."""


class PauseCause(StrEnum):
    """What an app was paused for."""

    DISK = "disk"
    """Little disk is left."""
    MEMORY = "memory"
    """Programs waited for memory."""
    DISK_LIMIT = "disk-limit"
    """Its volumes take more than they may."""


class PausedApp(Translatable, View):
    """An app that the node does not run now, whatever its owner wants."""

    app: str
    name: str
    cause: PauseCause
    reason: Prose


class Resources(Translatable, View):
    """How the host is shared out."""

    memory: int
    """Bytes of the host."""
    cores: int
    apps: tuple[AppResources, ...]
    memory_of_node: int = 0
    """Bytes that are kept for the node itself."""
    paused: tuple[PausedApp, ...] = ()
    """Apps that are paused, in the order in which they were."""
    pause_order: tuple[str, ...] = ()
    """Apps that are to run, the first to be paused first where disk or memory run short."""
    not_enforced: tuple[Prose, ...] = ()
    """Limits that this host does not enforce."""


class SystemPoint(View):
    """What the host used in the step that ended then."""

    at: datetime
    cpu: Annotated[float, Field(ge=0, le=1)]
    """Share of its processors that worked, from 0 to 1."""
    memory_used: Annotated[int, Field(ge=0)]
    """Bytes that are not available to programs."""
    disk_used: Annotated[int, Field(ge=0)]
    """Bytes of the file system that holds the node's data, whoever uses them."""


class SystemHistoryView(View):
    """What the host used over time."""

    step: float
    """Seconds between two points."""
    memory_total: int
    """Bytes."""
    disk_total: int
    """Bytes."""
    points: tuple[SystemPoint, ...]
    """The oldest first; they start with the node's start."""


class SnapshotsDisk(View):
    """What the snapshots of an app take on the disk."""

    bytes: Annotated[int, Field(ge=0)]
    counted: bool
    """Whether all of them were counted in time; if not, they take more."""
    shares: bool
    """Whether they may share blocks with the volumes or with each other, so that they take less."""


class DayOfDisk(View):
    """What the data of an app took on one day, when it was counted last."""

    day: date
    """By UTC."""
    bytes: int


class AppDisk(View):
    """What the data of an app takes on the disk."""

    app: str
    name: str
    bytes: Annotated[int, Field(ge=0)] | None = None
    """What its volumes take; null until they were counted."""
    counted: bool = True
    """Whether all of it was counted in time; if not, it takes more."""
    snapshots: SnapshotsDisk | None = None
    """What its snapshots take in addition; null until they were counted."""
    at: datetime | None = None
    """When it was counted."""
    limit: int | None = None
    """Bytes that it may take; null without a limit."""
    history: tuple[DayOfDisk, ...] = ()
    """The last 90 days on which it was counted, the oldest first."""

    @property
    def taken(self) -> int:
        """Bytes that are surely its own: of snapshots that may share blocks, nobody knows how many those are."""
        snapshots = self.snapshots.bytes if self.snapshots is not None and not self.snapshots.shares else 0
        return (self.bytes or 0) + snapshots


class DiskReport(View):
    """What takes the disk: all numbers in bytes."""

    total: int
    free: int
    apps: tuple[AppDisk, ...]
    """The largest first; those that were not counted yet at the end."""
    counting: bool
    """Whether the volumes are counted now: whoever asks again in a while learns more."""


class PowerAction(StrEnum):
    """How the node, or the machine that it is on, is ended."""

    RESTART = "restart"
    """Only the node restarts; apps keep running."""
    STOP = "stop"
    """All apps are stopped in order, and the node ends."""
    REBOOT = "reboot"
    """All apps are stopped in order, and the machine starts again."""
    POWER_OFF = "power-off"
    """All apps are stopped in order, and the machine is turned off."""


class SystemInfo(Translatable, View):
    """The node and its host."""

    version: str
    node_id: str
    revision: int
    architecture: str
    kernel: str
    memory: int
    memory_available: int
    cores: int
    load: float
    disk_total: int
    disk_free: int
    disk_full_in: float | None = None
    """Seconds until the disk is full, as fast as it filled until now; null where it does not, or before an hour."""
    temperature: float | None = None
    """Degrees Celsius of the hottest sensor; null without one."""
    podman: str
    data_root: str
    uptime: float
    """Seconds since the daemon started."""
    power: tuple[PowerAction, ...] = ()
    """What `system-power` can do here: only what whoever started the node carries out."""
    not_enforced: tuple[Prose, ...] = ()
