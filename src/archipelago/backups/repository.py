"""One restic repository: it is made once, and from then on only the same one is written to."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import structlog

from archipelago.api.backups import RepositoryPassword
from archipelago.backups.backup_sources import HOST, BackupSources
from archipelago.backups.restic.access import RepositoryAccess
from archipelago.backups.restic.launch import Ended, Launch, Order, UnreadableAnswer
from archipelago.backups.restic.lock_race import past_lost_locks
from archipelago.backups.restic.says import (
    HOPELESS,
    SOME_NOT_READ,
    ByteCount,
    ResticSnapshot,
    Written,
    could_not_delete,
    failure,
    only_vanished,
    passwords,
    said,
    snapshots,
)
from archipelago.backups.restic.stall import StallWatch
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

T = TypeVar("T")
KEEP = (
    *("--keep-last", "3", "--keep-within-daily", "14d", "--keep-within-weekly", "2m"),
    *("--keep-within-monthly", "1y", "--keep-within-yearly", "10y"),
)
"""What is kept of each app. Spans and not numbers: snapshots that somebody adds cannot push others out
(restic's manual, "Security considerations in append-only mode")."""
_PART_TO_READ = "5%"
NOTES = "archipelago-notes"
"""Name of the machine in snapshots of what must be at a target at once: claims of states, and streamed files.

Neither the lists nor the retention of backups know of them."""
_VOID = "void"
"""Tag of a note: the id of a backup that is incomplete or of no one version, and that could not be deleted."""
_HELD = re.compile(r"/proc/[0-9]+/fd/[0-9]+")
_log = structlog.get_logger("backups")
_PROGRESS_A_SECOND = "1"
"""Each is written to the database, which has the disk write what it has: that may be the disk of the backup."""
_STALLED, _STALLED_HERE = 7200.0, 600.0
"""Seconds in which a backup has to make progress, over a network and to a folder."""


async def _marked_nowhere(_: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Repository:
    """Asks restic. Raises `NodeError`; what is cancelled leaves no snapshot."""

    access: RepositoryAccess
    password: str = field(repr=False)
    where: str
    """For people."""
    cache: Path
    launch: Launch = field(repr=False)
    known: str = ""
    """Id that the repository must have; empty where it is not known yet."""
    seen: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Id of a repository in a folder -> its file `config`, like no other: restic need not be asked which it is."""
    void: Collection[str] = ()
    """Ids of snapshots, or the start of them, that this node knows to be no backups."""
    mark_void: Callable[[str], Awaitable[None]] = field(default=_marked_nowhere, repr=False)
    """Has this node remember one."""

    async def create(self) -> str:
        """Return the id of the repository that is there, or else of a new one."""
        try:
            found = await self.id()
        except NodeError as error:
            if error.code is not ErrorCode.DATA_MISSING:
                raise
            await self._require(await self._ask("init", "--repository-version", "2"))
            found = await self.id()
        self._see(found, await self._config())
        return found

    async def id(self) -> str:
        """Return the id of the repository that is there."""
        return self._understood(lambda text: str(json.loads(text)["id"]), await self._output("cat", "config"))

    async def open(self) -> None:
        """Require that the repository is the known one, and drop locks that a crash left."""
        await self.require_known()
        folder = self.access.folder
        if folder is None or await asyncio.to_thread(lambda: any((folder / "locks").glob("*"))):
            await self._require(await self._ask("unlock"))

    async def require_known(self) -> None:
        """Raise `NodeError` where the repository is not the known one."""
        config = await self._config()
        if config is not None and self.seen.get(self.known) == config:
            return
        found = await self.id()
        if self.known and found != self.known:
            raise NodeError(
                ErrorCode.DATA_MISSING,
                msg("there is another repository at {where} than the one that was added", where=self.where),
                hint=msg("connect the right disk, or add this one as another target"),
            )
        self._see(self.known, config)

    async def _config(self) -> bytes | None:
        """Return the file `config` of a repository in a folder."""
        if self.access.folder is None:
            return None
        return await asyncio.to_thread(_content, self.access.folder / "config")

    def _see(self, known: str, config: bytes | None) -> None:
        if config is not None:
            self.seen[known] = config

    async def snapshots(self, app: str | None = None) -> tuple[ResticSnapshot, ...]:
        """Return the backups that the node has written, of one app or of all, the newest first."""
        found = await self._with_notes(app)
        void = self._void_of(found)
        return tuple(each for each in found if each.host == HOST and not each.id.startswith(void))

    async def _with_notes(self, app: str | None) -> tuple[ResticSnapshot, ...]:
        tags = (f"app={app}",) if app is not None else (HOST, NOTES)
        words = (*("--host", HOST, "--host", NOTES), *(word for tag in tags for word in ("--tag", tag)))
        return self._understood(snapshots, await self._output("snapshots", "--json", *words))

    def _void_of(self, found: Sequence[ResticSnapshot]) -> tuple[str, ...]:
        noted = (each.tags.get(_VOID, "") for each in found if each.host == NOTES)
        return tuple({each for each in (*self.void, *noted) if each})

    async def write(
        self, sources: BackupSources, tags: Mapping[str, str], on_progress: Callable[[ByteCount], None]
    ) -> Written:
        """Write a snapshot. One that lacks files is discarded again, and is an error."""
        written: list[Written] = []
        watch = StallWatch(_STALLED if self.access.folder is None else _STALLED_HERE, self.where)

        def on_line(line: str) -> None:
            found = said(line)
            if isinstance(found, Written):
                written.append(found)
            elif isinstance(found, ByteCount):
                watch.require_progress(found)
                on_progress(found)

        ended = await self._run(self._backup(sources, tags), on_line)
        whole = ended.code == 0 or (ended.code == SOME_NOT_READ and only_vanished(ended.errors))
        if written and whole:
            try:
                await self._require_there(written[0], sources.app)
            except NodeError:  # it may be there all the same, and its writer has not looked yet whether it is whole
                await asyncio.shield(self.discard(written[0].id, sources.app))
                raise
            return written[0]
        if written:
            await asyncio.shield(self.discard(written[0].id, sources.app))
        raise failure(ended.code, ended.errors, self.where)

    async def discard(self, snapshot: str, app: str) -> None:
        """Delete a snapshot that must never be restored; one that cannot be deleted now is no backup all the same.

        This node remembers it first, and a note at the target says it to whoever reads there, until `forget_void`.
        Raises `NodeError` where none of it works.
        """
        unmarked = await self._tried(self.mark_void(snapshot), snapshot)
        if await self._tried(self.forget(snapshot), snapshot) is None:
            return
        if await self._tried(self._note_void(snapshot, app), snapshot) is not None and unmarked is not None:
            raise unmarked

    async def forget_void(self) -> tuple[str, ...]:
        """Delete what could not be deleted when it was discarded; return the ids that need not be remembered now."""
        found = await self._with_notes(None)
        void = self._void_of(found)
        await self.forget_all([each.id for each in found if each.host == HOST and each.id.startswith(void)])
        # Only then: without its note such a snapshot is a backup again.
        await self.forget_all([each.id for each in found if each.host == NOTES and _VOID in each.tags])
        return void

    async def _tried(self, work: Awaitable[None], snapshot: str) -> NodeError | None:
        try:
            await work
        except NodeError as error:
            _log.warning("a snapshot is no backup, and stays", where=self.where, snapshot=snapshot, why=str(error))
            return error
        return None

    async def _note_void(self, snapshot: str, app: str) -> None:
        """Write a note of which only the tags count; restic writes none without a file."""
        tags = (NOTES, f"app={app}", f"{_VOID}={snapshot}")
        words = ("backup", "--host", NOTES, *(word for tag in tags for word in ("--tag", tag)))
        await self._require(await self._ask(*words, "--", os.devnull))

    async def notes(self, app: str) -> tuple[ResticSnapshot, ...]:
        """Return the notes about an app, the newest first, without those that are about backups."""
        answer = await self._output("snapshots", "--json", "--host", NOTES, "--tag", f"app={app}")
        return tuple(each for each in self._understood(snapshots, answer) if _VOID not in each.tags)

    async def note(self, folders: Mapping[str, str], root: str, app: str, tags: Mapping[str, str]) -> str:
        """Write a note about an app, with what is in some folders (place -> directory); return its id."""
        written: list[Written] = []

        def on_line(line: str) -> None:
            if isinstance(found := said(line), Written):
                written.append(found)

        sources = BackupSources(root, app, folders, host=NOTES, anew=True)
        ended = await self._run(self._backup(sources, {"app": app, **tags}), on_line)
        if ended.code != 0 or not written:
            raise failure(ended.code, ended.errors, self.where)
        return written[0].id

    async def forget_all(self, found: Sequence[str]) -> None:
        """Forget snapshots by their ids; none is no work."""
        if found:
            await self._delete("forget", *found)

    async def read_back(self, note: str, to: Path, include: Sequence[str]) -> None:
        """Put what a new note holds into a directory; without a lock, which would be written and deleted there."""
        await self._require(await self._ask("--no-lock", "restore", note, "--target", str(to), *_only(include)))

    async def restore(self, snapshot: str, to: Path, include: Sequence[str] = (), *, verify: bool = False) -> None:
        """Put what is in a snapshot into a directory; of `include`, paths in it, only what these name."""
        words = ("restore", snapshot, "--target", str(to), *(["--verify"] if verify else []), *_only(include))
        await self._require(await self._ask(*words))

    async def restore_all(self, snapshot: str, to: Path, on_progress: Callable[[ByteCount], None]) -> None:
        """Put a whole snapshot into a directory, and say meanwhile how much of it is there."""
        sizing = asyncio.create_task(self.size(snapshot))  # beside it: that takes restic a second of its own

        def on_line(line: str) -> None:
            if isinstance(found := said(line), ByteCount):
                known = sizing.done() and not sizing.cancelled() and sizing.exception() is None
                total = sizing.result()[0] if known else 0
                # restic writes more than the files: what it remembers of the repository.
                on_progress(ByteCount(min(found.done, total) if total else found.done, total))

        order = replace(self._order("restore", snapshot, "--target", str(to)), counted=True)
        try:
            await self._require(await self._run(order, on_line))
        finally:
            sizing.cancel()
            await asyncio.gather(sizing, return_exceptions=True)

    async def size(self, snapshot: str) -> tuple[int, int]:
        """Return the bytes and the number of the files that a restore of a snapshot writes."""

        def figures(text: str) -> tuple[int, int]:
            found = json.loads(text)
            return int(found["total_size"]), int(found["total_file_count"])

        answer = await self._output("stats", "--json", "--mode", "restore-size", snapshot)
        return self._understood(figures, answer)

    async def check(self, part: str = _PART_TO_READ) -> None:
        """Require that the repository is whole, and that a part of what it stores can be read."""
        await self._require(await self._ask("check", f"--read-data-subset={part}"))

    async def thin_out(self, apps: Sequence[str]) -> None:
        """Forget what retention does not keep of some apps, and free the space of what was forgotten."""
        for app in apps:
            words = ("--host", HOST, "--tag", f"app={app}", "--group-by", "host", *KEEP)
            await self._delete("forget", *words)
        await self._delete("prune")

    async def forget(self, snapshot: str) -> None:
        """Forget one snapshot."""
        await self._delete("forget", snapshot)

    async def passwords(self) -> tuple[RepositoryPassword, ...]:
        """Return which passwords open the repository."""
        return self._understood(passwords, await self._output("key", "list", "--json"))

    async def add_password(self, password: str, label: str) -> None:
        """Have another password open the repository too, and require that it does."""
        words = ("key", "add", "--user", label, "--host", HOST, "--new-password-file", "{new-password}")
        order = self._order(*words)
        order = replace(order, files={**order.files, "new-password": password})
        await self._require(await self._run(order, lambda _: None))
        await replace(self, password=password).id()

    async def remove_password(self, password: str) -> None:
        """Have a password, by its id, open the repository no longer."""
        await self._require(await self._ask("key", "remove", password))

    async def _require_there(self, written: Written, app: str) -> None:
        """Raise `NodeError` where a snapshot is not in the repository: restic goes on in an empty folder.

        That is what is left where a disk is pulled out meanwhile.
        """
        if (folder := self.access.folder) is not None:
            there = await asyncio.to_thread(lambda: any((folder / "snapshots").glob(f"{written.id}*")))
        else:
            there = any(each.id.startswith(written.id) for each in await self.snapshots(app))
        if not there:
            raise NodeError(
                ErrorCode.DATA_MISSING,
                msg("{where} has changed while a backup was written", where=self.where),
                hint=msg("connect and mount the disk; nothing is written to a place where the repository is not"),
            )

    def _backup(self, sources: BackupSources, tags: Mapping[str, str]) -> Order:
        folder = f"{sources.root}/{sources.app}"
        places = sorted(sources.binds)
        excludes = (f"{folder}/{'/'.join(map(_literal, names))}" for names in sources.excluded)
        words = (
            *("backup", "--json", "--host", sources.host, "--one-file-system", "--tag", sources.host),
            *(word for name, value in tags.items() for word in ("--tag", f"{name}={value}")),
            *(word for path in excludes for word in ("--exclude", path)),
            *(("--ignore-ctime", "--ignore-inode") if sources.copied else ()),
            *(("--force",) if sources.anew else ()),
            *("--", *places),
        )
        binds = {f"{sources.app}/{place}": path for place, path in sources.binds.items()}
        return replace(self._order(*words), folder=folder, root=sources.root, binds=binds)

    def _order(self, *words: str) -> Order:
        folder = self.access.folder
        environment = {
            **self.access.environment,
            **({} if folder else {"RESTIC_REPOSITORY": self.access.repository}),
            "RESTIC_CACHE_DIR": str(self.cache),
            "RESTIC_PROGRESS_FPS": _PROGRESS_A_SECOND,
            "HOME": str(self.cache),
        }
        command = ("restic", *self.access.options, *words)
        return Order(
            command,
            environment=environment,
            password=self.password,
            files=self.access.files,
            # Of a disk that is pulled out, an empty folder is left, in which restic would go on.
            held={"RESTIC_REPOSITORY": str(folder)} if folder else {},
            log=self.access.log,
            give_up_on=HOPELESS,
        )

    def _understood(self, parse: Callable[[str], T], text: str) -> T:
        """Return what an answer means. Raises `UnreadableAnswer`."""
        try:
            return parse(text)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise UnreadableAnswer(msg("{where} cannot be read: {error}", where=self.where, error=error)) from error

    async def _run(self, order: Order, on_line: Callable[[str], None]) -> Ended:
        try:
            ended = await past_lost_locks(self.launch, order, on_line)
            return ended if self.access.folder is None else replace(ended, errors=self._named(ended.errors))
        except (OSError, ValueError) as error:
            why = msg("{where} cannot be read: {error}", where=self.where, error=error)
            raise NodeError(ErrorCode.INTERNAL, why) from error

    def _named(self, errors: str) -> str:
        """Return errors with the folder as its owner knows it."""
        return _HELD.sub(lambda _: str(self.access.folder), errors)

    async def _ask(self, *words: str) -> Ended:
        return await self._run(self._order(*words), lambda _: None)

    async def _delete(self, *words: str) -> None:
        ended = await self._ask(*words)
        await self._require(ended)
        if could_not_delete(ended.errors):
            raise failure(ended.code, ended.errors, self.where)

    async def _output(self, *words: str) -> str:
        lines: list[str] = []
        await self._require(await self._run(self._order(*words), lines.append))
        return "\n".join(lines)

    async def _require(self, ended: Ended) -> None:
        if ended.code != 0:
            raise failure(ended.code, ended.errors, self.where)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # restic says what is wrong with it


def _only(paths: Sequence[str]) -> list[str]:
    return [word for path in paths for word in ("--include", "/".join(map(_literal, path.split("/"))))]


def _literal(name: str) -> str:
    """Return a pattern that means one name (filepath.Match of Go)."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in name)
