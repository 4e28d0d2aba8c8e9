"""Makes volumes of the dumps in a backup: each server starts in a scratch copy without network, and loads its own.

This happens before anything of the app changes. A dump that cannot be loaded is found out then, and the app stays as it
is; what was made becomes the data of the app by the same renames as any other snapshot, so it can be undone as well.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archipelago.backups.dumps.commands import DumpCommands, ServerDatabase, dump_commands, load_error
from archipelago.backups.dumps.streams import DumpStreams, StreamEnd
from archipelago.backups.dumps.writer import server_secret
from archipelago.container.data.data_classes import DatabaseVolume, app_volumes
from archipelago.container.namespace.client import Namespace
from archipelago.container.operations.trial.pod import TrialPod
from archipelago.container.operations.trial.scratch import TrialOrder
from archipelago.container.operations.trial.trial_runs import Say, TrialRuns
from archipelago.container.operations.trial.verdict import TrialVerdict
from archipelago.errors import NodeError, trouble_code
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import SnapshotFolder
from archipelago.storage.records.apps import AppRecord
from archipelago.support.private_files import reported
from archipelago.support.texts.text import msg

_TRIES = 3
_PAUSE = 5.0
"""Seconds between them: some images start their server twice when they see an empty volume."""
_LONGEST = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PendingDump:
    """A dump of which the volume is still to be made."""

    volume: str
    commands: DumpCommands
    file: Path


@dataclass(frozen=True, slots=True)
class DumpLoads:
    """Loads the dumps of a backup that was restored. Raises `NodeError`; it may be called again after a crash."""

    trials: TrialRuns
    streams: DumpStreams
    namespace: Namespace
    secrets: SecretsManager

    async def load(self, record: AppRecord, place: SnapshotFolder, say: Say | None = None) -> int:
        """Make the volumes in `place` that are still to be made, and return how many; `record` is the app of then."""
        found = await asyncio.to_thread(lambda: tuple(_pending(record, place)))
        for each in found:
            await self._load(record, place, each, say)
        return len(found)

    async def _load(self, record: AppRecord, place: SnapshotFolder, dump: PendingDump, say: Say | None) -> None:
        scratch = SnapshotFolder(place.path / "loading")
        await self.namespace.remove(str(scratch.path))
        await asyncio.to_thread(_make, scratch)
        problem = ""

        async def stay(pod: TrialPod, verdict: TrialVerdict) -> None:
            nonlocal problem
            if not verdict.passed:
                problem = verdict.reason
                return
            if say is not None:
                await say(msg("loads the database"))
            problem = await self._tried(record, dump, pod)

        order = TrialOrder(record, SnapshotFolder(scratch.path), consume=True, only=dump.commands.container, keep=True)
        await asyncio.to_thread(_link_secrets, place, scratch)
        await self.trials.run(order, say, stay, longest_stay=_LONGEST)
        if problem:
            await self.namespace.remove(str(scratch.path))
            raise NodeError(
                trouble_code(problem),
                msg("the database of {app} cannot be made from its dump: {why}", app=record.app, why=problem),
                hint=msg("the app is as it was; restore another backup: 'archipelago backup list' shows them"),
                data={"app": record.app},
            )
        await self.namespace.remove(str(place.volume(dump.volume)))
        await asyncio.to_thread(place.volumes.mkdir, 0o700, exist_ok=True)
        await self.namespace.rename(str(scratch.volume(dump.volume)), str(place.volume(dump.volume)))
        # Last: with its dump gone, the volume counts as made.
        await asyncio.to_thread(dump.file.unlink)
        await self.namespace.remove(str(scratch.path))

    async def _tried(self, record: AppRecord, dump: PendingDump, pod: TrialPod) -> str:
        """Load a dump, again where that fails; return why it cannot be, or nothing. The server is stopped then."""
        folder = self.trials.scratch.layout.app(record.app).trial
        secret = await server_secret(self.secrets.beside(folder), record.app, dump.commands.secret)
        name, problem = pod.name_of(dump.commands.container), ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(_PAUSE)
            problem = _problem(dump.commands, await self.streams.load(name, dump.commands, secret, dump.file))
            if not problem:
                grace = record.package.manifest.containers[dump.commands.container].stop.grace
                await self.trials.client.containers.stop(name, timeout=round(grace))
                return ""
        return problem


def _problem(commands: DumpCommands, ended: StreamEnd) -> str:
    if ended.cut_off:
        return msg("the dump is cut off")
    if ended.code != 0:
        return ended.reason
    if not commands.tells_errors:
        return ""
    return load_error(ended.lines) or ("" if ended.complete else ended.lines[0])


def _pending(record: AppRecord, place: SnapshotFolder) -> Iterator[PendingDump]:
    for volume in app_volumes(record):
        if isinstance(volume, DatabaseVolume) and isinstance(volume.declared.database, ServerDatabase):
            commands = dump_commands(volume.declared.database)
            file = place.dumps / commands.file(volume.name)
            if file.is_file():
                yield PendingDump(volume.name, commands, file)


def _make(scratch: SnapshotFolder) -> None:
    with reported(scratch.path):
        scratch.volumes.mkdir(mode=0o700, parents=True)


def _link_secrets(place: SnapshotFolder, scratch: SnapshotFolder) -> None:
    with reported(scratch.path):
        scratch.secrets.symlink_to(place.secrets)
