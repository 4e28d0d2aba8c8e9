"""A small node in memory for the tests of RPC and command line; run as a program, it serves until it is killed."""

import asyncio
import os
import sys
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from archipelago.api.apps import AppStatus, AppSummary, Change, ChangePreview, EndpointStatus
from archipelago.api.catalog import CatalogEntry
from archipelago.api.configuration import ConfigPreview, ConfigRevision, OptionKind, OptionView, SettingChange
from archipelago.api.containers import ExecResult, LogLine
from archipelago.api.data import KeptData, RemovalPreview, VolumeView
from archipelago.api.events import Event
from archipelago.api.health import Health, HealthState, Sync
from archipelago.api.metrics import MetricsSpan, MetricsView
from archipelago.api.operations import ErrorView, Operation, OperationKind, Step
from archipelago.api.repairs import RepairPreview
from archipelago.api.security import AppSecurity, ContainerProfiles, PackageChange, SecretView
from archipelago.api.system import (
    AppResources,
    Finding,
    FirewallView,
    LocalAccessView,
    Notice,
    NoticeKind,
    PowerAction,
    Resources,
    SetupProgress,
    SetupStep,
    Severity,
    SignerView,
    SystemInfo,
)
from archipelago.container.dependency_resolver.plan import Action, Plan, PlannedApp
from archipelago.container.dependency_resolver.rating import Rating, RatingLine
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit.chain import AuditEntry, AuditVerdict, Deed, Head
from archipelago.security.keys.node_key import KeyState
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import host_clocks
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.notices import Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.storage.records.permissions import TOKEN_PERMISSIONS
from archipelago.storage.schema import metadata
from archipelago.storage.stores.accounts import AccountStore, Book, Settled

OWNERS = {os.getuid()}
SOCKET = Source("unix socket, uid 0", trusted=True)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVIL = "\x1b]0;owned\x07\x1b[2Jevil"
"""Text that would take over a terminal."""


class MemoryAccounts(AccountStore):
    """Keeps the accounts in memory: what the login knows ends with it."""

    def __init__(self) -> None:
        # It may be collected, and so closed, in another thread.
        self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        metadata.create_all(self._engine)
        self._number = 0
        weakref.finalize(self, self._engine.dispose)

    async def run(self, work: Callable[[Book], Any]) -> Settled:
        with self._engine.begin() as connection:
            book = Book(connection)
            result = work(book)
            self._number += 1
            return Settled(result, book.logins(), self._number)


class Plain:
    """Seals nothing."""

    def seal(self, text: str) -> bytes:
        return text.encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()


LONG_STEP = "copies /usr/lib/x86_64-linux-gnu/libicudata.so.72 and 1,311 more files of the base image to a new layer"


class MemoryData:
    """Has no data, and remembers nothing."""

    async def start_empty(self, app: str, volumes: tuple[str, ...]) -> None: ...
    async def list_kept(self) -> tuple[KeptData, ...]:
        return ()

    async def restore_kept(self, app: str, kept: str) -> None: ...
    async def delete_kept(self, app: str, kept: str) -> None: ...


class MemoryEngine:
    """Knows knots, electrumx and a `broken` app whose every operation fails; remembers what changed it."""

    def __init__(self) -> None:
        self.installed: dict[str, dict[str, Scalar]] = {"knots": {"network": "regtest"}}
        self.changes: list[tuple[object, ...]] = []
        self.work: dict[str, Operation] = {}
        self.events: list[Event] = []
        self.hidden: dict[str, Hiding] = {}
        self.changed = asyncio.Condition()
        self.gate: asyncio.Event | None = None
        """When set, `restart` waits for it before it changes anything."""
        self.entered = asyncio.Event()
        self.audit: list[AuditEntry] = []
        self.flood = False
        """Whether logs never end."""
        self.data = MemoryData()
        self.given: dict[tuple[str, str], str] = {}
        """Values of secrets that were set."""
        self.login = Login(MemoryAccounts(), Plain(), host_clocks(), passwords=Passwords(Cost(1, 8, 1)))

    async def key_state(self) -> KeyState:
        return KeyState.PLAIN

    async def unlock(self, passphrase: str, source: Source) -> None: ...
    async def protect_key(self, passphrase: str, current: str | None) -> None: ...
    async def unprotect_key(self, current: str) -> None: ...
    async def key_phrase(self, current: str | None) -> str:
        return "abandon art"

    async def restore_key(self, words: str) -> None: ...
    async def secrets(self, app: str) -> tuple[SecretView, ...]:
        self._known(app)
        return (SecretView(name="probe", created_at=NOW),)

    async def reveal_secret(self, app: str, name: str) -> str:
        return self.given.get((app, name), "hunter2")

    async def set_secret(self, app: str, name: str, value: str) -> Operation:
        self.given[app, name] = value
        return await self._change(OperationKind.SECRETS, app, name)

    async def rotate_secrets(self, app: str, name: str | None) -> Operation:
        return await self._change(OperationKind.SECRETS, app, name)

    async def local_access(self) -> LocalAccessView:
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

    async def listen(self, addresses: Sequence[str]) -> LocalAccessView:
        return await self.local_access()

    async def open_endpoint(self, app: str, endpoint: str, *, opened: bool) -> EndpointStatus:
        self._known(app)
        return EndpointStatus(name=endpoint, kind="api", protocol="tcp", address="127.0.0.1:1", open=opened)

    async def host_firewall(self, ssh_port: int | None) -> FirewallView:
        return FirewallView(rules="")

    async def signers(self) -> tuple[SignerView, ...]:
        return (SignerView(publisher="ghcr.io/acme", signer="unsigned", since=NOW),)

    async def accept_signer(self, publisher: str, signer: str) -> None: ...
    async def forget_signer(self, publisher: str) -> None: ...

    async def sbom(self, app: str, container: str | None) -> dict[str, Any]:
        self._known(app)
        return {"components": [{"purl": "pkg:deb/debian/busybox@1", "name": "busybox", "version": "1"}]}

    async def sbom_changes(self, app: str, container: str | None) -> tuple[PackageChange, ...]:
        return (PackageChange(ecosystem="deb", name="busybox", before="1", after=None),)

    async def roll_back(self, app: str, number: int, *, agreed: tuple[str, ...] | None = None) -> Operation:
        return await self._change(OperationKind.CONFIGURE, app, number)

    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview:
        return await self.preview(app, options={}, reset=())

    async def change_preview(self, app: str, change: Change) -> ChangePreview:
        self._known(app)
        stops = ("electrumx",) if app == "knots" and change is Change.STOP else ()
        return ChangePreview(app=app, stops=stops, interrupts=())

    async def config_history(self, app: str) -> tuple[ConfigRevision, ...]:
        self._known(app)
        options: dict[str, Scalar] = {"network": "regtest"}
        return (ConfigRevision(number=1, at=NOW, why=EVIL, version="1", options=options, choices={}),)

    async def config_changes(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]:
        return (SettingChange(what="network", before=None, after="regtest"),)

    async def security_report(self) -> tuple[AppSecurity, ...]:
        return ()

    async def security_profiles(self, app: str) -> tuple[ContainerProfiles, ...]:
        self._known(app)
        return ()

    async def headers(self) -> dict[str, str]:
        """Return headers that may do whatever a token may."""
        made = await self.login.tokens.make("test", TOKEN_PERMISSIONS, 1, SOCKET)
        return {"Authorization": f"Bearer {made.secret}"}

    @property
    def revision(self) -> int:
        return len(self.events)

    async def _change(self, kind: OperationKind, app: str, *details: object) -> Operation:
        if kind is not OperationKind.INSTALL:
            self._known(app)
        self.changes.append((kind.value, app, *details))
        event = Event(revision=self.revision + 1, at=NOW, kind="operation", app=app, message=f"{kind} {app}")
        self.events.append(event)
        async with self.changed:
            self.changed.notify_all()
        failed = app == "broken"
        operation = Operation(
            id=f"op{len(self.work) + 1}",
            kind=kind,
            app=app,
            state=OperationState.FAILED if failed else OperationState.RUNNING,
            percent=40,
            steps=(Step(name="build image", state=OperationState.RUNNING, percent=40, detail=LONG_STEP),),
            error=ErrorView(code="image", message="no such image", hint="look for it") if failed else None,
            created_at=NOW,
            updated_at=NOW,
            revision=event.revision,
        )
        self.work[operation.id] = operation
        return operation

    def _known(self, app: str) -> None:
        if app not in self.installed:
            raise NodeError(ErrorCode.NOT_INSTALLED, f"{app} is not installed", hint="archipelago list shows what is")

    async def install(
        self,
        app: str,
        *,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        start: bool,
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation:
        if app == "explode":
            raise RuntimeError("the password is hunter2")
        if app in self.installed:
            raise NodeError(ErrorCode.ALREADY_INSTALLED, f"{app} is installed already", hint="nothing to do")
        if app not in ("electrumx", "broken"):
            raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app {app}", data={"nearest": "knots"})
        return await self._change(OperationKind.INSTALL, app, dict(options), dict(choices), start)

    async def start_app(self, app: str) -> Operation:
        return await self._change(OperationKind.START, app)

    async def stop_app(self, app: str, *, agreed: tuple[str, ...] | None = None) -> Operation:
        return await self._change(OperationKind.STOP, app, agreed)

    async def restart(self, app: str) -> Operation:
        if self.gate is not None:
            self.entered.set()
            await self.gate.wait()
        return await self._change(OperationKind.RESTART, app)

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        return await self._change(OperationKind.REMOVE, app, delete_data)

    async def update(self, app: str, *, agreed: str | None = None, downgrade: bool = False) -> Operation:
        return await self._change(OperationKind.UPDATE, app, *([downgrade] if downgrade else []))

    async def repair(self, app: str, repair: str) -> Operation:
        await self.repair_preview(app, repair)
        return await self._change(OperationKind.REPAIR, app, repair)

    async def repair_preview(self, app: str, repair: str) -> RepairPreview:
        if app not in self.installed or repair != "reindex":
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

    async def configure(
        self,
        app: str,
        *,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: tuple[str, ...] | None = None,
    ) -> Operation:
        if "nonsense" in options:
            raise NodeError(ErrorCode.INVALID_OPTION, "nonsense: there is no such option")
        return await self._change(OperationKind.CONFIGURE, app, dict(options), reset)

    async def cancel(self, operation: str) -> Operation:
        found = (await self.operation(operation)).model_copy(update={"state": OperationState.CANCELLED})
        self.work[operation] = found
        return found

    async def record(self, deed: Deed) -> int:
        number = len(self.audit) + 1
        self.audit.append(AuditEntry(sequence=number, at=NOW, **dict(deed)))
        return number

    async def audit_entries(self, *, limit: int) -> tuple[AuditEntry, ...]:
        return tuple(self.audit[-limit:])

    async def audit_lines(self, *, after: int, limit: int) -> tuple[str, ...]:
        return tuple(entry.model_dump_json() for entry in self.audit[after : after + limit])

    async def audit_verdict(self) -> AuditVerdict:
        return AuditVerdict(entries=len(self.audit), head=Head(), faults=())

    def audit_key(self) -> str:
        return "a key"

    async def plan(self, app: str, *, options: Mapping[str, object], choices: Mapping[str, str]) -> Plan:
        if app not in ("knots", "electrumx", "broken"):
            raise NodeError(ErrorCode.UNKNOWN_APP, f"there is no app {app}")
        because = ("you asked for it",)
        planned = PlannedApp(app=app, name=app.title(), version="1.0", action=Action.INSTALL, because=because)
        return Plan(apps=(planned,), warnings=(EVIL,))

    async def terminal(self, app: str, *, container: str | None, columns: int, rows: int) -> Terminal:
        raise NodeError(ErrorCode.NOT_RUNNING, EVIL)

    async def attach(
        self,
        app: str,
        command: tuple[str, ...],
        *,
        container: str | None,
        size: tuple[int, int] | None,
        stdin: bool,
    ) -> Terminal:
        raise NodeError(ErrorCode.NOT_RUNNING, EVIL)

    async def health_history(self, app: str, *, limit: int) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.app == app)[:limit]

    async def metrics(self, app: str, span: MetricsSpan) -> MetricsView:
        return MetricsView(step=10, points=())

    async def option_views(self, app: str) -> tuple[OptionView, ...]:
        return (OptionView(name="network", kind=OptionKind.STRING, label=EVIL, default="main", value="regtest"),)

    async def preview(self, app: str, *, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview:
        if "nonsense" in options:
            raise NodeError(ErrorCode.INVALID_OPTION, "nonsense: there is no such option")
        return ConfigPreview(changes=(), restarts=(app,))

    async def options(self, app: str) -> dict[str, Scalar]:
        self._known(app)
        return self.installed[app]

    async def status(self, app: str) -> AppStatus:
        self._known(app)
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
        )

    async def health(self, app: str) -> Health:
        self._known(app)
        return Health(state=HealthState.HEALTHY, since=NOW)

    async def list_apps(self) -> tuple[AppSummary, ...]:
        return tuple(
            AppSummary(
                app=app, name=app, version="29.1", desired=Desired.RUNNING, state=HealthState.HEALTHY, reason=EVIL
            )
            for app in self.installed
        )

    async def catalog(self) -> tuple[CatalogEntry, ...]:
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

    async def icon(self, app: str) -> bytes | None:
        if app not in self.installed:
            raise NodeError(ErrorCode.UNKNOWN_APP, EVIL)
        return b"<svg><script>alert(1)</script></svg>"

    async def removal(self, app: str) -> RemovalPreview:
        self._known(app)
        return RemovalPreview(app=app, volumes=(VolumeView(name="chain", size=1 << 40, funds=True),), secrets=2)

    async def operations(self, *, app: str | None, limit: int) -> tuple[Operation, ...]:
        return tuple(each for each in self.work.values() if app in (None, each.app))[-limit:]

    async def operation(self, operation: str) -> Operation:
        if operation not in self.work:
            raise NodeError(ErrorCode.UNKNOWN_OPERATION, f"there is no operation {operation}")
        return self.work[operation]

    async def wait_operation(self, operation: str, *, timeout: float) -> Operation:
        found = await self.operation(operation)
        if not found.state.ended:
            found = found.model_copy(update={"state": OperationState.DONE, "percent": 100.0})
            self.work[operation] = found
        return found

    async def logs(self, app: str, *, container: str | None, tail: int) -> tuple[LogLine, ...]:
        self._known(app)
        lines = (
            LogLine(container="main", stream="stdout", at=NOW, text="first"),
            LogLine(container="main", stream="stderr", at=NOW, text=EVIL),
        )
        return lines[-tail:] if tail else ()

    async def follow_logs(
        self, app: str, *, container: str | None, tail: int
    ) -> AsyncGenerator[tuple[LogLine, ...], None]:
        for line in await self.logs(app, container=container, tail=tail):
            yield (line,)
        while self.flood:
            yield (LogLine(container="main", stream="stdout", at=NOW, text="x" * 100_000),)
            await asyncio.sleep(0)

    async def execute(self, app: str, command: tuple[str, ...], *, container: str | None, timeout: float) -> ExecResult:
        self._known(app)
        return ExecResult(exit_code=7 if command[0] == "fail" else 0, stdout=" ".join(command) + "\n", stderr="note\n")

    async def events_since(self, revision: int, *, limit: int, newest: bool = False) -> tuple[Event, ...]:
        found = tuple(self.events[revision:])
        return found[-limit:] if newest else found[:limit]

    async def follow_events(self, since: int | None) -> AsyncGenerator[Event, None]:
        seen = self.revision if since is None else since
        while True:
            async with self.changed:
                while self.revision <= seen:
                    await self.changed.wait()
            yield self.events[seen]
            seen += 1

    async def notices(self, *, examine: bool) -> tuple[Notice, ...]:
        about = ("finding:swap-0011", Severity.WARNING, NoticeKind.FINDING)
        shown = Notice(id=about[0], said="0" * 16, level=about[1], kind=about[2], text="no swap", detail="it is slow")
        return (shown.model_copy(update={"hidden": self.hidden.get(shown.id)}),)

    async def hide_notice(self, notice: str, said: str | None, *, mute: bool) -> None:
        self.hidden[notice] = Hiding.MUTED if mute else Hiding.ACKNOWLEDGED

    async def show_notice(self, notice: str) -> None:
        self.hidden.pop(notice, None)

    async def setup_progress(self) -> SetupProgress:
        return SetupProgress(done=())

    async def setup_done(self, step: SetupStep) -> SetupProgress:
        return SetupProgress(done=(step,))

    async def system(self) -> SystemInfo:
        return SystemInfo(
            version="0.1.0",
            node_id="abc",
            revision=self.revision,
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

    async def resources(self) -> Resources:
        share = AppResources(
            app="knots",
            name=EVIL,
            desired=Desired.RUNNING,
            memory_limit=3 << 30,
            cpu_limit=4,
            pids_limit=512,
            cpu_used=0.25,
        )
        return Resources(memory=8 << 30, cores=2, apps=(share,), not_enforced=("memory limits",))

    async def power(self, action: PowerAction) -> None:
        raise NodeError(ErrorCode.INVALID_VALUE, EVIL)

    async def doctor(self) -> tuple[Finding, ...]:
        return (Finding(check="cgroup", severity=Severity.WARNING, what="no cpu controller", why="limits", mend="x"),)


async def _serve(unix_socket: Path) -> None:
    from archipelago.rpc.server.server import RpcServer

    server = RpcServer(MemoryEngine(), OWNERS)
    await server.start(unix_socket, 0)
    print(server.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
