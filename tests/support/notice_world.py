"""What notices are made of, and a node of which the tests decide everything but the database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from archipelago.api.apps import AppSummary
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.backups import TargetView
from archipelago.api.catalog import CatalogEntry
from archipelago.api.data import StreamView
from archipelago.api.health import HealthState
from archipelago.api.notice_channels import Channel
from archipelago.api.operations import ErrorView, Operation, OperationKind
from archipelago.api.security import UnconfirmedWords
from archipelago.api.system import Finding, Notice, Severity
from archipelago.container.reports.notice_desk import NoticeDesk, Sources
from archipelago.container.reports.notices import Disk, Paused
from archipelago.errors import ErrorCode
from archipelago.storage.database import Database
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.hidden_notices import HiddenNotices

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = Disk(1000, 500, None)


def app(name: str = "knots", state: HealthState = HealthState.HEALTHY, reason: str = "", **more: object) -> AppSummary:
    """Return a line about an app."""
    about = {"app": name, "name": name.title(), "version": "1", "desired": Desired.RUNNING}
    return AppSummary.model_validate({**about, "state": state, "reason": reason, **more})


def operation(state: OperationState, name: str = "knots", code: str = ErrorCode.PODMAN, key: str = "a1") -> Operation:
    """Return an operation."""
    error = ErrorView(code=code, message="no space") if state is OperationState.FAILED else None
    about = {"id": key, "kind": OperationKind.START, "app": name, "percent": 0, "created_at": NOW, "updated_at": NOW}
    return Operation.model_validate({**about, "state": state, "error": error})


def finding(check: str, what: str, severity: Severity = Severity.WARNING) -> Finding:
    """Return a finding of the doctor."""
    return Finding(check=check, severity=severity, what=what, why="it matters")


@dataclass
class World:
    """A node of which the tests decide everything but the database."""

    database: Database
    apps: list[AppSummary] = field(default_factory=list)
    newest: list[Operation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    disk: Disk = ROOM
    steady: float = 1000.0
    wall: float = 1_800_000_000.0
    targets: list[TargetView] = field(default_factory=list)
    streams: list[StreamView] = field(default_factory=list)
    automatic: list[AutomaticUpdateView] = field(default_factory=list)
    words: list[UnconfirmedWords] = field(default_factory=list)
    examined: int = 0
    said: list[str] = field(default_factory=list)
    desk: NoticeDesk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = self.new_life()

    def new_life(self) -> NoticeDesk:
        """Return what shows the notices, as after a restart of the daemon."""

        async def apps() -> tuple[AppSummary, ...]:
            return tuple(self.apps)

        async def catalog() -> tuple[CatalogEntry, ...]:
            return ()

        async def operations(count: int) -> tuple[Operation, ...]:
            return tuple(self.newest[:count])

        async def disk() -> Disk:
            return self.disk

        async def examine() -> tuple[Finding, ...]:
            self.examined += 1
            return tuple(self.findings)

        async def channels() -> tuple[Channel, ...]:
            return tuple(self.channels)

        async def backups() -> tuple[TargetView, ...]:
            return tuple(self.targets)

        async def streams() -> tuple[StreamView, ...]:
            return tuple(self.streams)

        async def automatic() -> tuple[AutomaticUpdateView, ...]:
            return tuple(self.automatic)

        async def words() -> tuple[UnconfirmedWords, ...]:
            return tuple(self.words)

        sources = Sources(
            apps, catalog, operations, disk, Paused, examine, channels, backups, streams, automatic, words
        )
        return NoticeDesk(sources, HiddenNotices(self.database), lambda: self.steady, self.say, lambda: self.wall)

    async def say(self, what: str) -> None:
        """Take what pages that are open are told."""
        self.said.append(what)

    async def shown(self, *, examine: bool = True) -> list[str]:
        """Return the ids of what needs the owner and was not put aside."""
        self.steady += 1
        return [each.id for each in await self.desk.list(examine=examine) if each.hidden is None]

    async def only(self) -> Notice:
        """Return the one notice that there is."""
        (found,) = await self.desk.list()
        return found
