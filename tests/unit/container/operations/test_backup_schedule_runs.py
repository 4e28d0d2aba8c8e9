"""What the schedule does each night and each week, and again after what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.api.backups import FolderTarget
from archipelago.api.operations import Operation, OperationKind
from archipelago.backups.targets import TargetRecord, TargetStore
from archipelago.container.operations.backup_schedule import BackupSchedule
from archipelago.container.operations.backup_work import BackupWork
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class PlainSealer:
    """Seals nothing."""

    def seal(self, text: str) -> bytes:
        return text.encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()


@dataclass
class Scene:
    """Two apps and one target, which may be away; what was asked is in `done`."""

    store: TargetStore
    away: bool = False
    failing: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    """Apps whose newest backup somebody has deleted."""
    refused: Mapping[str, Exception] = field(default_factory=dict)
    """What a drill of an app, or `check`, raises."""
    unread: Exception | None = None
    """What a list of backups raises."""
    done: list[str] = field(default_factory=list)
    now_is: datetime = NOON
    steady: float = 1000.0

    def __post_init__(self) -> None:
        work = BackupWork(self.store, *([cast(Any, None)] * 8))
        turn = SimpleNamespace(turn=work.turn, targets=self.store, repository=self.repository)
        self.parts = SimpleNamespace(backups=turn, state=self)
        self.schedule = BackupSchedule(
            cast(Any, self.parts),
            lambda: cast(Any, self),
            cast(Any, self),
            lambda: self.steady,
            "node",
            lambda: self.now_is,
            lambda ids: ids[-1],
        )

    async def repository(self, _: TargetRecord) -> "Scene":
        return self

    async def open(self) -> None:
        if self.away:
            raise NodeError(ErrorCode.DATA_MISSING, "the disk is away")

    async def load_apps(self) -> dict[str, None]:
        return {"one": None, "two": None}

    async def wait(self, operation: str, _: float) -> Operation:
        raise AssertionError(operation)

    async def now(self, app: str, target: str) -> Operation:
        well = app not in self.failing
        if well:
            await self.store.note(target, lambda history: history.with_app(app, newest=self.now_is))
        return self.ended("back up", app, well)

    async def drill(self, app: str, target: str, backup: str) -> Operation:
        if app in self.refused:
            raise self.refused[app]
        return self.ended(f"try {backup}", app, True)

    async def list(self, target: str, app: str) -> tuple[SimpleNamespace, ...]:
        if self.unread is not None:
            raise self.unread
        names = ("new", "old", "older")[app in self.lost :]
        return tuple(SimpleNamespace(id=name, at=self.now_is - timedelta(days=name != "new")) for name in names)

    async def thin_out(self, target: str) -> None:
        self.done.append("thin out")

    async def check(self, target: str) -> None:
        if "check" in self.refused:
            raise self.refused["check"]
        self.done.append("check")

    def ended(self, what: str, app: str, well: bool) -> Operation:
        self.done.append(f"{what} {app}")
        return Operation(
            id="0",
            kind=OperationKind.BACKUP,
            app=app,
            state=OperationState.DONE if well else OperationState.FAILED,
            percent=0,
            created_at=NOON,
            updated_at=NOON,
            revision=0,
        )

    async def looked(self) -> Sequence[str]:
        """Return what is done when it looks now."""
        self.done.clear()
        await self.schedule.look()
        return [*self.done]


NIGHTLY = ["back up one", "back up two", "thin out"]
WEEKLY = ["try new one", "try older one", "try new two", "try older two", "check"]


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> Scene:
    target = FolderTarget(kind="folder", path="/media/usb")
    store = TargetStore(tmp_path, PlainSealer())
    await store.add(TargetRecord(name="usb", target=target, repository="0", added=NOON))
    return Scene(store)


async def test_each_night_a_backup_and_each_week_a_drill(scene: Scene) -> None:
    assert await scene.looked() == [*NIGHTLY, *WEEKLY], "the first is made at once, and proved"
    assert await scene.looked() == []
    for night in range(1, 7):
        scene.now_is = NOON + timedelta(days=night)
        assert await scene.looked() == NIGHTLY
    scene.now_is = NOON + timedelta(days=8)
    assert await scene.looked() == [*NIGHTLY, *WEEKLY]
    scene.now_is = NOON
    assert await scene.looked() == [*NIGHTLY, *WEEKLY], "the clock was wrong, and what it said proves nothing"


async def test_what_failed_is_tried_again_after_an_hour(scene: Scene) -> None:
    scene.away = True
    assert await scene.looked() == []
    assert (await scene.store.history("usb")).problem == "the disk is away"
    scene.steady += 3601
    scene.away, scene.failing = False, {"two"}
    assert await scene.looked() == NIGHTLY
    scene.failing = set()
    assert await scene.looked() == []
    scene.steady += 3601
    assert await scene.looked() == ["back up two", "thin out", *WEEKLY], "the other one has its backup"


async def test_a_backup_that_somebody_deleted_is_made_again(scene: Scene) -> None:
    scene.lost = {"two"}
    assert await scene.looked() == [*NIGHTLY, "try new one", "try older one", "try old two", "try older two", "check"]
    assert "does not have the newest" in (await scene.store.history("usb")).problem
    scene.lost = set()
    assert await scene.looked() == ["back up two", "thin out"]


async def test_a_target_without_a_schedule_is_left_alone(scene: Scene) -> None:
    await scene.store.remove("usb")
    target = FolderTarget(kind="folder", path="/media/usb")
    await scene.store.add(TargetRecord(name="usb", target=target, repository="0", added=NOON, scheduled=False))
    assert await scene.looked() == []


async def test_a_target_that_cannot_be_read_does_not_stop_backups_to_the_others(scene: Scene) -> None:
    damaged = scene.store.folder / "damaged/target.age"
    damaged.parent.mkdir()
    damaged.write_bytes(b"{}")
    assert await scene.looked() == [*NIGHTLY, *WEEKLY]
    assert "cannot be read" in (await scene.store.history("damaged")).problem
    damaged.unlink()
    assert await scene.looked() == []


@pytest.mark.parametrize("error", [NodeError(ErrorCode.INTERNAL, "it is damaged"), ValueError("it is damaged")])
async def test_proofs_that_fail_end_and_are_due_a_week_later(scene: Scene, error: Exception) -> None:
    scene.refused = {"one": error, "check": error}
    assert await scene.looked() == [*NIGHTLY, *WEEKLY[2:4]], "what fails for one app is tried for the other"
    assert (await scene.store.history("usb")).problem == "it is damaged"
    scene.steady += 3601
    assert await scene.looked() == []
    scene.now_is += timedelta(days=8)
    scene.refused = {}
    assert await scene.looked() == [*NIGHTLY, *WEEKLY]


async def test_a_list_that_cannot_be_read_is_asked_for_again_after_an_hour(scene: Scene) -> None:
    scene.unread = ValueError("no list")
    assert await scene.looked() == NIGHTLY
    assert (await scene.store.history("usb")).problem == "no list"
    scene.unread = None
    assert await scene.looked() == []
    scene.steady += 3601
    assert await scene.looked() == WEEKLY
