"""Services about apps, in memory."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview
from archipelago.api.automatic_updates import AutomaticUpdateView, UpdateHoursView
from archipelago.api.catalog import BundleView, CatalogEntry
from archipelago.api.configuration import ConfigPreview, ConfigRevision, OptionKind, OptionView, SettingChange
from archipelago.api.data import RemovalPreview, VolumeView
from archipelago.api.events import Event
from archipelago.api.health import Health, HealthState, Sync
from archipelago.api.operations import ErrorView, Operation, OperationKind, Step
from archipelago.api.repairs import RepairPreview
from archipelago.container.dependency_resolver.plan import Action, Plan, PlannedApp
from archipelago.container.dependency_resolver.rating import Rating, RatingLine
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.operations import OperationState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVIL = "\x1b]0;owned\x07\x1b[2Jevil"
"""Text that would take over a terminal."""
LONG_STEP = "copies /usr/lib/x86_64-linux-gnu/libicudata.so.72 and 1,311 more files of the base image to a new layer"


class MemoryApps:
    """Has knots installed; remembers what changed it, and what happened."""

    def __init__(self) -> None:
        self.installed: dict[str, dict[str, Scalar]] = {"knots": {"network": "regtest"}}
        self.changes: list[tuple[object, ...]] = []
        self.operations: dict[str, Operation] = {}
        self.events: list[Event] = []
        self.changed = asyncio.Condition()

    def require(self, app: str) -> None:
        """Raise `NodeError` unless an app is installed."""
        if app not in self.installed:
            raise NodeError(ErrorCode.NOT_INSTALLED, f"{app} is not installed", hint="archipelago list shows what is")

    async def change(self, kind: OperationKind, app: str, *details: object) -> Operation:
        """Open an operation; one of the app `broken` has failed at once."""
        if app and kind is not OperationKind.INSTALL:
            self.require(app)
        self.changes.append((kind.value, app, *details))
        revision = len(self.events) + 1
        self.events.append(Event(revision=revision, at=NOW, kind="operation", app=app, message=f"{kind} {app}"))
        async with self.changed:
            self.changed.notify_all()
        failed = app == "broken"
        operation = Operation(
            id=f"op{len(self.operations) + 1}",
            kind=kind,
            app=app,
            state=OperationState.FAILED if failed else OperationState.RUNNING,
            percent=40,
            steps=(Step(name="build image", state=OperationState.RUNNING, percent=40, detail=LONG_STEP),),
            error=ErrorView(code="image", message="no such image", hint="look for it") if failed else None,
            created_at=NOW,
            updated_at=NOW,
            revision=revision,
        )
        self.operations[operation.id] = operation
        return operation


class MemoryChanges:
    """Knows electrumx and a `broken` app beside what is installed."""

    def __init__(self, apps: MemoryApps) -> None:
        self.apps = apps
        self.gate: asyncio.Event | None = None
        """When set, `restart` waits for it before it changes anything."""
        self.entered = asyncio.Event()

    async def plan(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str], also: tuple[str, ...] = ()
    ) -> Plan:
        if app not in ("knots", "electrumx", "broken"):
            raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app {app}")
        because = ("you asked for it",)
        planned = PlannedApp(app=app, name=app.title(), version="1.0", action=Action.INSTALL, because=because)
        return Plan(apps=(planned,), warnings=(EVIL,))

    async def install(
        self,
        app: str,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        *,
        start: bool,
        also: tuple[str, ...] = (),
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation:
        if app == "explode":
            raise RuntimeError("the password is hunter2")
        if app in self.apps.installed:
            raise NodeError(ErrorCode.ALREADY_INSTALLED, f"{app} is installed already", hint="nothing to do")
        if app not in ("electrumx", "broken"):
            raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app {app}", data={"nearest": "knots"})
        return await self.apps.change(OperationKind.INSTALL, app, dict(options), dict(choices), start)

    async def start(self, app: str) -> Operation:
        return await self.apps.change(OperationKind.START, app)

    async def stop(self, app: str, agreed: Collection[str] | None = None) -> Operation:
        return await self.apps.change(OperationKind.STOP, app, agreed)

    async def restart(self, app: str) -> Operation:
        if self.gate is not None:
            self.entered.set()
            await self.gate.wait()
        return await self.apps.change(OperationKind.RESTART, app)

    async def change_preview(self, app: str, change: Change) -> ChangePreview:
        self.apps.require(app)
        stops = ("electrumx",) if app == "knots" and change is Change.STOP else ()
        return ChangePreview(app=app, stops=stops, interrupts=())

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        return await self.apps.change(OperationKind.REMOVE, app, delete_data)

    async def update(self, app: str, agreed: str | None = None, *, downgrade: bool = False) -> Operation:
        return await self.apps.change(OperationKind.UPDATE, app, *([downgrade] if downgrade else []))

    async def configure(
        self,
        app: str,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None = None,
        plan: str | None = None,
    ) -> Operation:
        await self.preview(app, options, reset)
        return await self.apps.change(OperationKind.CONFIGURE, app, dict(options), reset)

    async def preview(self, app: str, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview:
        if "nonsense" in options:
            raise NodeError(ErrorCode.INVALID_OPTION, "nonsense: there is no such option")
        return ConfigPreview(changes=(), restarts=(app,))


def automatic(app: str, *, on: bool = False, obstacle: str = "") -> AutomaticUpdateView:
    """Return whether updates of an app are installed by themselves."""
    return AutomaticUpdateView(app=app, on=on, from_hour=4, to_hour=7, obstacle=obstacle)


class MemoryAutomaticUpdates:
    """Remembers the choice, and says of each that something is in the way."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def set(self, app: str, *, on: bool) -> AutomaticUpdateView:
        self._apps.require(app)
        self._apps.changes.append(("automatic", app, on))
        return automatic(app, on=on, obstacle=f"why {EVIL}" if on else "")

    async def hours(self) -> UpdateHoursView:
        return UpdateHoursView(from_hour=4, to_hour=7, now=NOW)

    async def set_hours(self, start: int, end: int) -> UpdateHoursView:
        self._apps.changes.append(("hours", start, end))
        return UpdateHoursView(from_hour=start, to_hour=end, now=NOW)


class MemoryRemovals:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def preview(self, app: str) -> RemovalPreview:
        self._apps.require(app)
        return RemovalPreview(
            app=app, volumes=(VolumeView(name="chain", size=1 << 40, funds=True, data=DataClass.FILES),), secrets=2
        )


class MemoryLimits:
    """Remembers the limits that were set."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps
        self.own: dict[str, float] = {"pids": 512}

    async def change(self, app: str, limits: Mapping[str, float], reset: Collection[str]) -> None:
        if app not in self._apps.installed:
            raise NodeError(ErrorCode.NOT_INSTALLED, f"{app} is not installed")
        self.own = {**{key: value for key, value in self.own.items() if key not in reset}, **limits}


class MemoryRepairs:
    """Has the repair `reindex` for each app."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def repair(self, app: str, repair: str) -> Operation:
        await self.repair_preview(app, repair)
        return await self._apps.change(OperationKind.REPAIR, app, repair)

    async def repair_preview(self, app: str, repair: str) -> RepairPreview:
        if app not in self._apps.installed or repair != "reindex":
            raise NodeError(ErrorCode.INVALID_VALUE, f"{app} has no repair {repair!r}", hint="it has reindex")
        effects = ("the app is stopped", f"main starts once with -reindex {EVIL}")
        return RepairPreview(
            app=app,
            repair=repair,
            label="Check all blocks again",
            description="It takes days.",
            effects=effects,
            used_by=("electrumx",),
        )


class MemoryRevisions:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def history(self, app: str) -> tuple[ConfigRevision, ...]:
        self._apps.require(app)
        options: dict[str, Scalar] = {"network": "regtest"}
        return (ConfigRevision(number=1, at=NOW, why=EVIL, version="1", options=options, choices={}),)

    async def compare(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]:
        return (SettingChange(what="network", before=None, after="regtest"),)

    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview:
        return ConfigPreview(changes=(), restarts=(app,))

    async def roll_back(
        self, app: str, number: int, agreed: Collection[str] | None = None, plan: str | None = None
    ) -> Operation:
        return await self._apps.change(OperationKind.CONFIGURE, app, number)


class MemoryOperations:
    """An operation that runs is done once somebody waits for it."""

    def __init__(self, apps: MemoryApps) -> None:
        self._known = apps.operations

    async def newest(self, app: str | None, limit: int) -> tuple[Operation, ...]:
        return tuple(each for each in self._known.values() if app in (None, each.app))[-limit:]

    async def get(self, operation: str) -> Operation:
        if operation not in self._known:
            raise NodeError(ErrorCode.UNKNOWN_OPERATION, f"there is no operation {operation}")
        return self._known[operation]

    async def wait(self, operation: str, timeout: float) -> Operation:
        found = await self.get(operation)
        if not found.state.ended:
            found = found.model_copy(update={"state": OperationState.DONE, "percent": 100.0})
            self._known[operation] = found
        return found

    async def cancel(self, operation: str) -> Operation:
        found = (await self.get(operation)).model_copy(update={"state": OperationState.CANCELLED})
        self._known[operation] = found
        return found


class MemoryReports:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def status(self, app: str) -> AppStatus:
        return AppStatus(
            rating=Rating(score=7, lines=(RatingLine(points=-1, what=f"it asks for much {EVIL}"),)),
            app=app,
            name="Knots",
            version="29.1",
            summary=EVIL,
            desired=Desired.RUNNING,
            health=await self.health(app),
            chain=Sync(
                chain="regtest", height=7, headers=14, percent=50, initial_block_download=True, seconds_left=12000
            ),
            containers=(),
            automatic=automatic(app, on=True, obstacle=f"why {EVIL}"),
        )

    async def summaries(self) -> tuple[AppSummary, ...]:
        return tuple(
            AppSummary(
                app=app, name=app, version="29.1", desired=Desired.RUNNING, state=HealthState.HEALTHY, reason=EVIL
            )
            for app in self._apps.installed
        )

    async def health(self, app: str) -> Health:
        self._apps.require(app)
        return Health(state=HealthState.HEALTHY, since=NOW)

    async def health_history(self, app: str, limit: int) -> tuple[Event, ...]:
        return tuple(event for event in self._apps.events if event.app == app)[:limit]

    async def options(self, app: str) -> dict[str, Scalar]:
        self._apps.require(app)
        return self._apps.installed[app]

    async def option_views(self, app: str) -> tuple[OptionView, ...]:
        return (OptionView(name="network", kind=OptionKind.STRING, label=EVIL, default="main", value="regtest"),)


class MemoryCatalog:
    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def entries(self) -> tuple[CatalogEntry, ...]:
        entry = CatalogEntry(
            app="electrumx",
            name="ElectrumX",
            version="1.18",
            summary="An Electrum server",
            description="It serves wallets.",
            category="bitcoin",
            license="MIT",
            architectures=("x86_64",),
            requires=("bitcoin-rpc",),
            provides=("electrum",),
        )
        return (entry,)

    async def bundles(self) -> tuple[BundleView, ...]:
        return (BundleView(bundle="wallets", name="Wallets", summary="All you need", apps=("electrumx", "knots")),)

    async def screenshot(self, app: str, name: str) -> bytes | None:
        await self.icon(app)
        return b"\x89PNG\r\n\x1a\n<script>" if name == "1.png" else None

    async def icon(self, app: str) -> bytes | None:
        if app not in self._apps.installed:
            raise NodeError(ErrorCode.UNKNOWN_APP, EVIL)
        return b"<svg><script>alert(1)</script></svg>"
