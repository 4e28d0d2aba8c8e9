"""What a start is told by targets of backups: who else has claimed the app's state."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.api.backups import FolderTarget, RestTarget
from archipelago.backups.remote.objects import StoreRefused
from archipelago.backups.remote.remote_proofs import Listing, NewCopy
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import Ended, Order
from archipelago.container.data.stream_copies import store_copy
from archipelago.container.operations.target_notes import DueNote, NoteKind, TargetNotes
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.leases import Claim

pytestmark = pytest.mark.asyncio
CLAIM = Claim.read("s.3.n")
NOTE = '[{"id": "1", "time": "2026-11-30T04:00:00.1Z", "tags": ["app=one", "lease.channels=s.3.n"]}]'


def notes(*answers: str | Exception) -> TargetNotes:
    """Return the notes at targets of which each gives an answer of restic; an empty one is away."""

    async def get(name: str) -> str | Exception:
        return answers[int(name)]

    async def names() -> tuple[str, ...]:
        return tuple(map(str, range(len(answers))))

    async def repository(answer: str | Exception) -> Repository:
        async def launch(_: Order, on_line: Callable[[str], None]) -> Ended:
            if isinstance(answer, Exception):
                raise answer
            on_line(answer)
            return Ended(0 if answer else 1, "")

        target = FolderTarget(kind="folder", path="/media/usb")
        return Repository(access(target, ""), "", target.path, Path("/nonexistent"), launch)

    work = SimpleNamespace(targets=SimpleNamespace(names=names, get=get), repository=repository)
    return TargetNotes(cast(Any, work), cast(Any, None), cast(Any, None))


async def test_a_target_that_is_away_does_not_keep_an_app_from_its_start() -> None:
    assert await notes("", NOTE, OSError("no podman")).sight("one") == {"channels": {CLAIM}}
    assert await notes("").sight("one") == {}


@pytest.mark.parametrize("answer", ["nonsense", "[3]", '[{"id": "1"}]', "{}x", RuntimeError("a mistake")])
async def test_what_cannot_be_understood_is_a_reason_not_to_start(answer: str | Exception) -> None:
    with pytest.raises(NodeError, match="one does not start: 1 cannot be understood") as refused:
        await notes(NOTE, answer).sight("one")
    assert refused.value.hint


@dataclass
class RemoteRepository:
    """A repository of restic that is no folder: each run takes a while, and what it was asked is remembered."""

    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Until then nobody is told which repository it is."""
    id: str = "right"
    locked: int = 0
    """How many notes are refused because of a lock."""
    stored: bytes = b""

    async def launch(self, order: Order, on_line: Callable[[str], None]) -> Ended:
        words = [word for word in order.command if not word.startswith("-")]
        self.asked.append(words[1])
        match words[1]:
            case "cat":
                await self.gate.wait()
                on_line(f'{{"id": "{self.id}"}}')
            case "backup":
                if self.locked:
                    self.locked -= 1
                    return Ended(1, "unable to create lock in backend: repository is already locked")
                (folder,) = order.binds.values()
                self.stored = next(Path(folder).rglob("*/*")).read_bytes()
                on_line(
                    '{"message_type": "summary", "snapshot_id": "0123", "total_bytes_processed": 1, "data_added": 1}'
                )
            case "restore":
                assert "--no-lock" in order.command
                path = Path(order.command[order.command.index("--target") + 1])
                (place,) = [each for each in order.command if each.startswith("/streams")]
                (path / place[1:]).parent.mkdir(parents=True)
                (path / place[1:]).write_bytes(self.stored)
        return Ended(0, "")


@pytest_asyncio.fixture
async def remote(tmp_path: Path) -> AsyncIterator[tuple[TargetNotes, RemoteRepository]]:
    layout = Layout(tmp_path, tmp_path / "run")
    for folder in (layout.backup_view.parent, layout.temporary):
        folder.mkdir(parents=True, exist_ok=True)
    store_copy(layout.app("one").streams / "proof", b"channels")
    found = RemoteRepository()
    target = RestTarget(kind="rest", url="https://nas.example/node", user="node")

    async def names() -> tuple[str, ...]:
        return ("nas",)

    async def get(_: str) -> Any:
        return SimpleNamespace(name="nas", target=target)

    async def repository(_: Any) -> Repository:
        return Repository(access(target, "secret"), "", "nas", tmp_path / "cache", found.launch, known="right")

    work = SimpleNamespace(targets=SimpleNamespace(names=names, get=get), repository=repository, layout=layout)
    record = SimpleNamespace(app="one", installed_at=1.0)
    desired = SimpleNamespace(apps={"one": SimpleNamespace(record=record)})
    yield TargetNotes(cast(Any, work), cast(Any, None), lambda: cast(Any, desired)), found


COPIES = DueNote("one", "nas", NoteKind.COPIES)


async def test_a_copy_that_a_service_does_not_take_is_written_by_restic(
    remote: tuple[TargetNotes, RemoteRepository],
) -> None:
    notes, repository = remote
    reached_by(notes, Machine(refuses=StoreRefused(ErrorCode.FORBIDDEN, "501 Not Implemented")))
    repository.gate.set()
    await notes._write(COPIES)
    assert repository.asked == ["cat", "cat", "backup", "restore"]
    assert notes.states["one", "nas"].copies and not notes.states["one", "nas"].problem


async def test_a_service_that_is_away_is_not_waited_for_with_restic(
    remote: tuple[TargetNotes, RemoteRepository],
) -> None:
    notes, repository = remote
    repository.gate.set()
    reached_by(notes, Machine(refuses=NodeError(ErrorCode.INTERNAL, "it is away")))
    with pytest.raises(NodeError, match="it is away"):
        await notes._write(COPIES)
    assert "backup" not in repository.asked and ("one", "nas") not in notes.states


async def test_a_copy_in_another_repository_does_not_count(remote: tuple[TargetNotes, RemoteRepository]) -> None:
    notes, repository = remote
    reached_by(notes, Machine(refuses=StoreRefused(ErrorCode.FORBIDDEN, "501 Not Implemented")))
    repository.id = "other"
    repository.gate.set()
    with pytest.raises(NodeError, match="another repository"):
        await notes._write(COPIES)
    assert ("one", "nas") not in notes.states


async def test_a_lock_that_a_crash_left_keeps_no_copy_away(remote: tuple[TargetNotes, RemoteRepository]) -> None:
    notes, repository = remote
    reached_by(notes, Machine(refuses=StoreRefused(ErrorCode.FORBIDDEN, "501 Not Implemented")))
    repository.locked = 1
    repository.gate.set()
    await notes._write(COPIES)
    assert repository.asked.count("backup") == 2 and "unlock" in repository.asked
    assert notes.states["one", "nas"].copies


@dataclass
class Machine:
    """What takes files at a target; which repository is there, its file `config` says."""

    config: bytes = b"right"
    written: list[bytes] = field(default_factory=list)
    listed: int = 0
    refuses: NodeError | None = None

    async def list(self, _: str, volumes: Sequence[str]) -> Listing:
        self.listed += 1
        return dict.fromkeys(volumes, ())

    async def write(self, _: str, __: str, copies: Sequence[NewCopy], there: Listing) -> tuple[bytes, Listing]:
        if self.refuses is not None:
            raise self.refuses
        self.written += [each.content for each in copies]
        return self.config, there


async def test_restic_is_asked_once_which_repository_is_there(remote: tuple[TargetNotes, RemoteRepository]) -> None:
    notes, repository = remote
    machine, seen = Machine(), dict[str, bytes]()
    reached_by(notes, machine, seen)
    repository.gate.set()
    for content in (b"channels", b"channels 2"):
        store_copy(notes.work.layout.app("one").streams / "proof", content)
        await notes._write(COPIES)
    assert machine.written == [b"channels", b"channels 2"] and repository.asked == ["cat"]
    assert machine.listed == 1
    machine.config, repository.id = b"another", "another"
    store_copy(notes.work.layout.app("one").streams / "proof", b"channels 3")
    before = notes.states["one", "nas"]
    with pytest.raises(NodeError, match="another repository"):
        await notes._write(COPIES)
    assert notes.states["one", "nas"] == before, "what is in another repository does not count"
    machine.config, repository.id = b"rewritten", "right"
    await notes._write(COPIES)
    assert notes.states["one", "nas"] != before and seen == {"right": b"rewritten"}


def reached_by(notes: TargetNotes, machine: Machine, seen: dict[str, bytes] | None = None) -> None:
    """Have the target take files."""
    work = cast(Any, notes.work)
    made = work.repository

    async def proofs(_: object) -> Machine:
        return machine

    async def repository(record: Any) -> Repository:
        return replace(await made(record), seen={} if seen is None else seen)

    work.remote_proofs, work.repository = proofs, repository
