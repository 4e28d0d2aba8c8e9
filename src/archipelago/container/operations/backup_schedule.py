"""Backs up all apps once a day, and proves once a week that what was written can be restored."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from archipelago.api.backups import BackupView
from archipelago.api.operations import Operation
from archipelago.backups.schedule import is_due, is_weekly_due
from archipelago.backups.targets import TargetRecord
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations
from archipelago.errors import NodeError
from archipelago.storage.records.operations import OperationState
from archipelago.support.forever import repeat_forever
from archipelago.support.texts.text import msg

if TYPE_CHECKING:
    from archipelago.container.operations.backups import Backups

_SETTLE = 300.0
"""Seconds after the start until the first look: apps come first."""
_LOOK = 60.0
_AGAIN = 3600.0
"""Seconds until a target that failed is tried again."""
_WAIT = 600.0
_log = structlog.get_logger("backups")


@dataclass(slots=True)
class BackupSchedule:
    """Does what is due, one target after the other and one app after the other."""

    parts: JobParts
    find_backups: Callable[[], "Backups"]
    """Returns what makes backups; without a target nobody asks for it."""
    operations: Operations
    steady: Callable[[], float]
    """Seconds of a clock that never jumps, and goes on while the machine sleeps."""
    node: str
    """Id of this node: not all nodes write to a server at once."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone()
    choose: Callable[[Sequence[str]], str] = random.choice
    _not_before: dict[str, float] = field(default_factory=dict)
    """Target that failed -> when it is tried again, by the steady clock."""

    async def run(self) -> None:
        """Look for ever."""
        await asyncio.sleep(_SETTLE)
        await repeat_forever(self.look, _LOOK, _log, "backups are not made")

    async def look(self) -> None:
        """Do what is due now, at each target that can be worked with. Raises `NodeError`."""
        for name in await self.parts.backups.targets.names():
            if self.steady() < self._not_before.get(name, 0.0):
                continue
            try:
                well = await self._turn(name)
            except Exception as error:  # one target that is damaged must not stop the backups to the others
                well = False
                await self._note_problem(name, error)
            if not well:
                self._not_before[name] = self.steady() + _AGAIN

    async def _turn(self, name: str) -> bool:
        """Do what is due at one target; return whether that worked."""
        targets = self.parts.backups.targets
        record = await targets.get(name)
        if not record.scheduled:
            return True
        history, now = await targets.history(name), self.now()
        apps = sorted(await self.parts.state.load_apps())
        due = [app for app in apps if is_due(history.of(app).newest, now, f"{self.node}/{name}")]
        if due and not await self._write(record, due):
            return False
        if is_weekly_due(history.drilled, now):
            await self._prove(name)
        return True

    async def _note_problem(self, name: str, error: Exception) -> None:
        """Say what is wrong with a target, in the log and in its history."""
        _log.warning("backups to a target are not made", target=name, exc_info=error)
        problem = error.message if isinstance(error, NodeError) else str(error) or type(error).__name__
        try:
            await self.parts.backups.targets.note(name, lambda history: history.model_copy(update={"problem": problem}))
        except NodeError as unwritten:
            _log.warning("the history of a target cannot be written", target=name, error=str(unwritten))

    async def _write(self, record: TargetRecord, apps: Sequence[str]) -> bool:
        """Back up apps; return whether that worked."""
        work, name = self.parts.backups, record.name
        try:
            async with work.turn(name):
                # First: without its disk there is one problem, and not one of each app.
                await (await work.repository(record)).open()
            ended = [await self._done(app, name) for app in apps]
            await self.find_backups().thin_out(name)
        except NodeError as error:
            await self._note_problem(name, error)
            return False
        return all(ended)

    async def _done(self, app: str, target: str) -> bool:
        try:
            return await self._ended(await self.find_backups().now(app, target))
        except NodeError:
            return False  # something else works on it: it is tried again

    async def _prove(self, name: str) -> None:
        """Restore for a trial the newest backup of each app, and an older one, and check the repository.

        What fails is a problem of the target, and the next proof is due a week later all the same: the trials take
        long, and one that fails each time must not run all day.
        """
        for app in sorted(await self.parts.state.load_apps()):
            found = await self.find_backups().list(name, app)
            await self._believe(name, app, found)
            ids = [each.id for each in found]
            for backup in (*ids[:1], *([self.choose(ids[1:])] if ids[1:] else ())):
                try:
                    await self._ended(await self.find_backups().drill(app, name, backup))
                except Exception as error:  # the other apps are to be proved too
                    await self._note_problem(name, error)
        try:
            await self.find_backups().check(name)
        except Exception as error:
            await self._note_problem(name, error)
        drilled = self.now()
        targets = self.parts.backups.targets
        await targets.note(name, lambda history: history.model_copy(update={"drilled": drilled}))

    async def _believe(self, target: str, app: str, found: Sequence[BackupView]) -> None:
        """Take the newest backup that is there for the newest: somebody may have deleted a newer one."""
        known = (await self.parts.backups.targets.history(target)).of(app).newest
        there = found[0].at if found else None
        if known is None or (there is not None and there >= known):
            return
        problem = msg("{target} does not have the newest backups of {app} any more", target=target, app=app)
        await self.parts.backups.targets.note(
            target, lambda history: history.with_app(app, newest=there).model_copy(update={"problem": problem})
        )

    async def _ended(self, operation: Operation) -> bool:
        while not operation.state.ended:
            operation = await self.operations.wait(operation.id, _WAIT)
        return operation.state is OperationState.DONE
