"""Services about the node and its host, in memory."""

from collections.abc import AsyncGenerator, Collection, Mapping

from archipelago.api.apps import EndpointStatus
from archipelago.api.events import Event
from archipelago.api.metrics import MetricsSpan
from archipelago.api.notice_channels import Channel, ChannelSettings
from archipelago.api.onions import OnionKey, OnionsView
from archipelago.api.preferences import Preferences
from archipelago.api.system import (
    AppDisk,
    AppResources,
    DiskReport,
    Finding,
    FirewallView,
    Later,
    LocalAccessView,
    Notice,
    NoticeKind,
    OwnLimitsView,
    PauseCause,
    PausedApp,
    PowerAction,
    Resources,
    SetupProgress,
    SetupStep,
    Severity,
    SnapshotsDisk,
    SystemHistoryView,
    SystemInfo,
    SystemPoint,
)
from archipelago.api.trust import PublicFile, TrustGuide
from archipelago.container.manifest.exposure import OnionAccess
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hiding
from support.memory_services.apps import EVIL, NOW, MemoryApps, MemoryLimits


class MemorySystem:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def info(self) -> SystemInfo:
        return SystemInfo(
            version="0.1.0",
            node_id="abc",
            revision=len(self._apps.events),
            architecture="x86_64",
            kernel="6.1",
            memory=8 << 30,
            memory_available=4 << 30,
            cores=2,
            load=0.5,
            disk_total=100 << 30,
            disk_free=50 << 30,
            podman="4.3.1",
            data_root="/var/lib/archipelago",
            uptime=12.5,
        )

    async def history(self, span: MetricsSpan) -> SystemHistoryView:
        point = SystemPoint(at=NOW, cpu=0.5, memory_used=4 << 30, disk_used=50 << 30)
        return SystemHistoryView(step=10.0, memory_total=8 << 30, disk_total=100 << 30, points=(point,))


class MemoryDisk:
    """Has counted one app, and not the other."""

    async def report(self) -> DiskReport:
        snapshots = SnapshotsDisk(bytes=1 << 30, counted=False, shares=True)
        knots = AppDisk(app="knots", name=EVIL, bytes=3 << 30, snapshots=snapshots, at=NOW)
        return DiskReport(total=100 << 30, free=50 << 30, apps=(knots, AppDisk(app="tor", name="Tor")), counting=True)


class MemoryResources:
    def __init__(self, limits: MemoryLimits) -> None:
        self._limits = limits

    def resources(self) -> Resources:
        share = AppResources(
            app="knots",
            name=EVIL,
            desired=Desired.RUNNING,
            memory_limit=3 << 30,
            cpu_limit=4,
            pids_limit=512,
            cpu_used=0.25,
            own=OwnLimitsView.model_validate(self._limits.own),
        )
        paused = PausedApp(app="tor", name=EVIL, cause=PauseCause.MEMORY, reason=f"programs waited {EVIL}")
        return Resources(memory=8 << 30, cores=2, apps=(share,), paused=(paused,), not_enforced=("memory limits",))

    def of_app(self, app: str) -> AppResources:
        return self.resources().apps[0].model_copy(update={"app": app})


class MemoryPower:
    """Does not end."""

    def ask(self, action: PowerAction) -> None:
        raise NodeError(ErrorCode.INVALID_VALUE, EVIL)


class MemoryPreferences:
    def __init__(self) -> None:
        self.chosen: dict[str, Preferences] = {}

    async def of(self, user: str) -> Preferences:
        return self.chosen.get(user, Preferences())

    async def change(self, user: str, changes: Mapping[str, tuple[str, ...]]) -> Preferences:
        self.chosen[user] = (await self.of(user)).model_copy(update=dict(changes))
        return self.chosen[user]


class MemorySetup:
    async def progress(self) -> SetupProgress:
        return SetupProgress(done=())

    async def done(self, step: SetupStep) -> SetupProgress:
        return SetupProgress(done=(step,))


class MemoryDoctor:
    async def examine(self) -> tuple[Finding, ...]:
        return (Finding(check="cgroup", severity=Severity.WARNING, what="no cpu controller", why="limits", mend="x"),)


class MemoryEvents:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    @property
    def revision(self) -> int:
        return len(self._apps.events)

    async def since(self, revision: int, limit: int, *, newest: bool) -> tuple[Event, ...]:
        found = tuple(self._apps.events[revision:])
        return found[-limit:] if newest else found[:limit]

    async def follow(self, since: int) -> AsyncGenerator[Event, None]:
        while True:
            async with self._apps.changed:
                while self.revision <= since:
                    await self._apps.changed.wait()
            yield self._apps.events[since]
            since += 1


class MemoryNotices:
    """Has one notice."""

    def __init__(self) -> None:
        self._hidden: dict[str, Hiding] = {}

    async def list(self, *, examine: bool) -> tuple[Notice, ...]:
        about = ("finding:swap-0011", Severity.WARNING, NoticeKind.FINDING)
        shown = Notice(
            id=about[0],
            said="0" * 16,
            level=about[1],
            kind=about[2],
            cause="host:swap",
            text="no swap",
            consequence="it is slow",
        )
        return (shown.model_copy(update={"hidden": self._hidden.get(shown.id)}),)

    async def hide(self, notice: str, said: str | None, *, mute: bool) -> None:
        self._hidden[notice] = Hiding.MUTED if mute else Hiding.ACKNOWLEDGED

    async def remind(self, notice: str, said: str | None, later: Later) -> None:
        self._hidden[notice] = Hiding.REMINDED

    async def show(self, notice: str) -> None:
        self._hidden.pop(notice, None)


class MemoryChannels:
    """Stores channels, and sends nothing."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}

    async def list(self) -> tuple[Channel, ...]:
        return tuple(self._channels.values())

    async def save(self, channel: str | None, wanted: ChannelSettings, secret: str | None) -> Channel:
        key = channel or f"{len(self._channels):016x}"
        self._channels[key] = Channel(id=key, settings=wanted, secret_set=bool(secret), waiting=0)
        return self._channels[key]

    async def remove(self, channel: str) -> None:
        self._find(channel)
        del self._channels[channel]

    async def test(self, channel: str) -> Channel:
        return self._find(channel)

    def _find(self, channel: str) -> Channel:
        if channel not in self._channels:
            raise NodeError(ErrorCode.INVALID_VALUE, EVIL)
        return self._channels[channel]


class MemoryLocalAccess:
    """Listens on loopback alone."""

    async def view(self) -> LocalAccessView:
        return LocalAccessView(
            wanted=(),
            available=(),
            listening=(),
            addresses=(),
            names=(),
            endpoints=(),
            problems=(),
            authority="",
            fingerprint="",
            valid_until=NOW,
        )

    async def listen(self, wanted: Collection[str]) -> LocalAccessView:
        return await self.view()


class MemoryTrust:
    """Has an authority that nobody needs to trust."""

    https_port = 8443

    async def trust(self) -> TrustGuide:
        return TrustGuide(
            name="Archipelago", fingerprint="", thumbprint="", valid_until=NOW, pages=(), https_port=8443, devices=()
        )

    async def public_files(self) -> tuple[PublicFile, ...]:
        return (PublicFile("/certificate", "text/html", b"<h1>Trust</h1>", "en"),)


class MemoryEndpoints:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def switch(self, app: str, endpoint: str, *, opened: bool) -> EndpointStatus:
        self._apps.require(app)
        return EndpointStatus(name=endpoint, kind="api", protocol="tcp", address="127.0.0.1:1", open=opened)


class MemoryOnions:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def switch(self, app: str, endpoint: str, access: OnionAccess) -> EndpointStatus:
        self._apps.require(app)
        return EndpointStatus(name=endpoint, kind="ui", protocol="http", address="127.0.0.1:1", tor=access)

    async def key(self, app: str, endpoint: str) -> OnionKey:
        self._apps.require(app)
        return OnionKey(address="http://x.onion/", key="KEY", line="x:descriptor:x25519:KEY")

    async def renew_key(self, app: str, endpoint: str) -> OnionKey:
        return await self.key(app, endpoint)

    async def switch_node(self, *, on: bool) -> OnionsView:
        return OnionsView(tor=None, node=on, endpoints=(), problems=())

    async def node_key(self, *, new: bool) -> OnionKey:
        return await self.key("tor", "node.page")

    async def view(self) -> OnionsView:
        return OnionsView(tor=None, endpoints=(), problems=())


class MemoryHostFirewall:
    async def rules(self, ssh_port: int | None) -> FirewallView:
        return FirewallView(rules="")
