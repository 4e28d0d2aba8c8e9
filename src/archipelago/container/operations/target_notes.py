"""Writes to targets of backups what must be there at once: claims of states, and copies of streamed files."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from archipelago.backups.lease_tags import claim_tags, claims_of, spent_notes
from archipelago.backups.restic.launch import UnreadableAnswer
from archipelago.backups.targets import TargetRecord
from archipelago.container.data.lease_keeper import LeaseKeeper
from archipelago.container.data.stream_copies import StreamCopy, copies_in
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.operations.backup_work import BackupWork
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.leases import Claim
from archipelago.support.texts.text import msg

if TYPE_CHECKING:  # a node without targets does without these
    from archipelago.backups.repository import Repository
    from archipelago.container.operations.copy_writer import CopyWriter

_PATIENCE = 20.0
"""Seconds that a start waits for a target to say which claims it has."""
_AT_THE_END = 2.0
_AGAIN, _LONGEST = 1.0, 60.0
"""Seconds until what could not be written is tried again, which double."""
_log = structlog.get_logger("notes")


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a target has of an app's streamed files."""

    copies: Mapping[str, StreamCopy] = field(default_factory=dict)
    """Volume -> the newest copy that was read back from there."""
    at: datetime | None = None
    """When that was."""
    problem: str = ""
    """Why something newer is not there."""


class NoteKind(StrEnum):
    """What is written to a target, each without waiting for the other."""

    COPIES = "copies"
    CLAIMS = "claims"


@dataclass(frozen=True, slots=True)
class DueNote:
    """What is to be written."""

    app: str
    target: str
    kind: NoteKind


@dataclass
class TargetNotes:
    """Writes notes about apps to all targets, each as soon as it can be reached."""

    work: BackupWork
    leases: LeaseKeeper
    desired: Callable[[], DesiredState]
    states: dict[tuple[str, str], TargetState] = field(default_factory=dict)
    """By app and target."""
    _due: set[DueNote] = field(default_factory=set)
    _woken: dict[DueNote, asyncio.Event] = field(default_factory=dict)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @cached_property
    def _copies(self) -> "CopyWriter":
        from archipelago.container.operations.copy_writer import CopyWriter  # a node without targets does without it

        return CopyWriter(self.work)

    def wake(self, app: str) -> None:
        """Have the newest of an app written to all targets."""
        self._spawn(self._wake_all(app))

    async def close(self) -> None:
        """End what goes on, a moment later: an app may have written once more as it ended.

        What is not written by then is written after the next start.
        """
        for patience in (_AT_THE_END, 5.0):
            if tasks := tuple(self._tasks):
                await asyncio.wait(tasks, timeout=patience)
            for task in tuple(self._tasks):
                task.cancel()

    async def sight(self, app: str) -> Mapping[str, set[Claim]]:
        """Return the claims of an app at the targets that answer soon.

        Raises `NodeError` where one answers and cannot be understood: it may say that a newer state runs elsewhere.
        """
        found: dict[str, set[Claim]] = {}
        unreadable: list[NodeError] = []

        async def one(target: str) -> None:
            try:
                for name, claims in (await self._claims(await self._repository(target), app)).items():
                    found.setdefault(name, set()).update(claims)
            except UnreadableAnswer as error:
                unreadable.append(_not_understood(app, target, error.message))
            except NodeError:
                pass  # it is away, and what it said before is in the ledgers
            except Exception as error:  # it is a mistake of ours, and says nothing about who runs the app
                _log.exception("a target is not understood", app=app, target=target)
                unreadable.append(_not_understood(app, target, str(error)))

        tasks = [self._spawn(one(name)) for name in await self.work.targets.names()]
        if tasks:
            # One that hangs is left alone: it would keep the app from its start for ever.
            await asyncio.wait(tasks, timeout=_PATIENCE)
        if unreadable:
            raise unreadable[0]
        return dict(found)

    async def thin_out(self, target: str, apps: tuple[str, ...]) -> None:
        """Delete notes that are needed no more. Raises `NodeError`."""
        repository = await self._repository(target)
        for app in apps:
            await repository.forget_all(spent_notes(await repository.notes(app), datetime.now(UTC)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _wake_all(self, app: str) -> None:
        for target in await self.work.targets.names():
            for kind in NoteKind:
                due = DueNote(app, target, kind)
                self._due.add(due)
                if due in self._woken:
                    self._woken[due].set()
                else:
                    self._woken[due] = asyncio.Event()
                    self._spawn(self._write_due(due))

    async def _write_due(self, due: DueNote) -> None:
        """Write what is due to one target until it is there."""
        pause, woken, key = _AGAIN, self._woken[due], (due.app, due.target)
        try:
            while due in self._due:
                self._due.discard(due)
                woken.clear()
                try:
                    await self._write(due)
                    pause = _AGAIN
                except Exception as error:  # what is a mistake of ours must not end the attempts either
                    _log.warning("a target does not have the newest", **asdict(due), why=str(error))
                    if due.kind is NoteKind.COPIES:
                        problem = error.message if isinstance(error, NodeError) else str(error)
                        self.states[key] = replace(self.states.get(key, TargetState()), problem=problem)
                    self._due.add(due)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await woken.wait()
                    pause = min(2 * pause, _LONGEST)
        finally:
            del self._woken[due]

    async def _write(self, due: DueNote) -> None:
        found = self.desired().apps.get(due.app)
        if found is None or due.target not in await self.work.targets.names():
            self.states.pop((due.app, due.target), None)
            return
        target = await self.work.targets.get(due.target)
        if due.kind is NoteKind.COPIES:
            await self._write_copies(found.record, target)
        else:
            await self._write_claims(found, await self.work.repository(target))

    async def _write_copies(self, record: AppRecord, target: TargetRecord) -> None:
        app = record.app
        state = self.states.get((app, target.name), TargetState())
        folder = self.work.layout.app(app).streams
        newest = await asyncio.to_thread(newest_copies, folder)
        if not newest or (newest == state.copies and not state.problem):
            return
        await self._copies.write(record, target, newest)
        self.states[(app, target.name)] = TargetState(newest, datetime.now(UTC))

    async def _write_claims(self, found: DesiredApp, repository: "Repository") -> None:
        """Have a target know of the newest claims, unless it knows of one that stops the app."""
        app = found.workload.app
        folder = self.work.layout.app(app).leases
        if not await asyncio.to_thread(lambda: folder.is_dir() and any(folder.iterdir())):
            return
        await repository.open()
        if not await self.leases.observe(found.workload, found.record, await self._claims(repository, app)):
            return
        if made := await self.leases.advance(found.workload, found.record):
            root = self.work.layout.backup_view
            await asyncio.to_thread(root.mkdir, 0o711, exist_ok=True)
            await repository.note({"leases": str(folder)}, str(root), app, claim_tags(made))

    async def _repository(self, target: str) -> "Repository":
        return await self.work.repository(await self.work.targets.get(target))

    @staticmethod
    async def _claims(repository: "Repository", app: str) -> Mapping[str, set[Claim]]:
        found: dict[str, set[Claim]] = {}
        for note in await repository.notes(app):
            for name, claims in claims_of(note.tags.items()).items():
                found.setdefault(name, set()).update(claims)
        return found


def _not_understood(app: str, target: str, why: str) -> NodeError:
    return NodeError(
        ErrorCode.INTERNAL,
        msg(
            "{app} does not start: {target} cannot be understood, so a newer state of it may run elsewhere ({why})",
            app=app,
            target=target,
            why=why,
        ),
        hint=msg("'archipelago backup check' says what is affected; without that target the app starts"),
        data={"app": app, "target": target},
    )


def newest_copies(folder: Path) -> Mapping[str, StreamCopy]:
    """Return the newest copy of the streamed file of each volume. Blocking; raises `NodeError`."""
    if not folder.is_dir():
        return {}
    found = {path.name: copies_in(path) for path in folder.iterdir() if path.is_dir()}
    return {volume: copies[-1] for volume, copies in found.items() if copies}
