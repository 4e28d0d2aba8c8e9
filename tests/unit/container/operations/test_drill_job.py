"""What a drill says of a backup: proved, damaged, or that nobody knows. It never claims more than it has tried."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import ProofView
from archipelago.backups.drill import Restored
from archipelago.backups.targets import TargetHistory
from archipelago.container.operations.jobs.drill import DrillJob
from archipelago.container.operations.trial.verdict import TrialOutcome, TrialVerdict
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import Bench

FILES = "    mounts: [{volume: data, path: /data}]\nvolumes: {data: {data: files}}"
CHANNELS = (
    "    mounts: [{volume: data, path: /data}]\n"
    "volumes: {data: {data: never-restore, funds: true, exclusive: true}}\nreversible: 'no'"
)
DAMAGED = NodeError(ErrorCode.INTERNAL, "the repository is damaged")


@dataclass
class Backup:
    """Takes the place of restic, of servers that load dumps, and of trial runs."""

    there: bool = True
    """Whether the image is here."""
    room: bool = True
    dumps: int = 0
    restored: NodeError | None = None
    loaded: NodeError | None = None
    verdict: TrialVerdict | NodeError = field(default_factory=lambda: TrialVerdict(TrialOutcome.PASSED))
    history: TargetHistory = field(default_factory=TargetHistory)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waits: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def targets(self) -> Any:
        async def get(_: str) -> None:
            pass

        async def note(_: str, change: Any) -> None:
            self.history = change(self.history)

        return SimpleNamespace(get=get, note=note)

    @property
    def drill(self) -> "Backup":
        return self

    loads = trials = images = drill

    def turn(self, _: str) -> asyncio.Lock:
        return self.lock

    async def repository(self, _: object) -> "Backup":
        return self

    async def open(self) -> None:
        pass

    @contextlib.asynccontextmanager
    async def scratch(self, *_: str) -> AsyncIterator[SnapshotFolder]:
        yield SnapshotFolder(Path("/nowhere"))

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        yield

    async def has_room(self, *_: object) -> bool:
        return self.room

    async def image_id(self, *_: object) -> str | None:
        return "sha256:1" if self.there else None

    async def restore(self, _repository: object, _backup: str, _place: object, now: AppRecord) -> Restored:
        self.waits.set()
        await self.gate.wait()
        if self.restored is not None:
            raise self.restored
        return Restored(now, 7, 1, self.dumps, cast(Any, None))

    async def load(self, *_: object) -> int:
        if self.loaded is not None:
            raise self.loaded
        return self.dumps

    async def run(self, *_: object) -> TrialVerdict:
        if isinstance(self.verdict, NodeError):
            raise self.verdict
        return self.verdict


async def drilled(node: Bench, backup: Backup, more: str = FILES) -> ProofView | None:
    """Return what a drill notes of a backup."""
    await opened(node, backup, more)
    await node.ended((await node.operations.newest("app", 1))[0])
    return backup.history.of("app").proof


async def opened(node: Bench, backup: Backup, more: str = FILES) -> str:
    """Start a drill; return the id of the operation."""
    node.offer("app", more)
    await node.installed("app")
    fetcher = SimpleNamespace(images=backup)
    node.runner._parts = replace(
        node.parts, backups=cast(Any, backup), trials=cast(Any, backup), fetcher=cast(Any, fetcher)
    )
    return (await node.runner.open(await DrillJob.requested(node.runner._parts, "app", "usb", "b" * 64))).id


async def test_an_app_that_came_up_proves_its_backup(node: Bench) -> None:
    proof = await drilled(node, Backup(dumps=2))
    assert proof is not None and proof.passed and proof.started and proof.databases == 3 and not proof.problem


@pytest.mark.parametrize(
    "backup",
    [
        Backup(restored=DAMAGED),
        Backup(dumps=1, loaded=NodeError(ErrorCode.NOT_HEALTHY, "relation exists")),
        Backup(verdict=TrialVerdict(TrialOutcome.FAILED, "it crashes")),
    ],
)
async def test_what_is_damaged_is_no_proof(node: Bench, backup: Backup) -> None:
    proof = await drilled(node, backup)
    assert proof is not None and proof.tried and not proof.passed and proof.problem
    assert backup.history.of("app").proved is None


@pytest.mark.parametrize(
    ("backup", "more", "why"),
    [
        (Backup(there=False), FILES, "the image of version 1.0"),
        (Backup(verdict=TrialVerdict(TrialOutcome.UNDECIDED, "it needs bitcoin")), FILES, "it needs bitcoin"),
        (Backup(verdict=NodeError(ErrorCode.BUSY, "little memory")), FILES, "little memory"),
        (Backup(), CHANNELS, "channels"),
    ],
)
async def test_an_app_that_cannot_be_started_here_is_said_to_be_so(
    node: Bench, backup: Backup, more: str, why: str
) -> None:
    proof = await drilled(node, backup, more)
    assert proof is not None and proof.passed and not proof.started and why in proof.not_started
    assert proof.files == 7 and proof.databases == 1 and not proof.problem


@pytest.mark.parametrize(
    "backup",
    [
        Backup(room=False),
        Backup(there=False, dumps=1),
        Backup(dumps=1, loaded=NodeError(ErrorCode.DISK_FULL, "no room")),
    ],
)
async def test_a_dump_that_no_server_has_loaded_proves_nothing(node: Bench, backup: Backup) -> None:
    proof = await drilled(node, backup)
    assert proof is not None and not proof.tried and not proof.passed and proof.problem
    assert backup.history.of("app").proved is None


async def test_the_owner_uses_the_app_while_it_is_restored(node: Bench) -> None:
    backup = Backup()
    backup.gate.clear()
    operation = await opened(node, backup)
    await backup.waits.wait()
    assert (await node.ended(await node.orchestrator.stop("app"))).state is OperationState.DONE
    backup.gate.set()
    assert (await node.operations.wait(operation, 10)).state is OperationState.DONE


async def test_an_app_that_is_removed_meanwhile_says_nothing_of_its_backup(node: Bench) -> None:
    backup = Backup(restored=DAMAGED)
    backup.gate.clear()
    operation = await opened(node, backup)
    await backup.waits.wait()
    await node.ended(await node.orchestrator.remove("app", delete_data=False))
    backup.gate.set()
    assert (await node.operations.wait(operation, 10)).state is OperationState.FAILED
    assert backup.history.of("app").proof is None


def test_a_proof_of_before_is_still_one() -> None:
    proof = ProofView.model_validate({"at": datetime.now(UTC), "passed": True, "seconds": 1.0})
    assert not proof.started and not proof.not_started
