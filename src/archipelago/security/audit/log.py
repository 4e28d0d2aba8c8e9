"""The audit log on disk: each entry is on the disk before the node goes on, and none is changed.

Refusals of unknown clients are dropped in time, and the log says so (`audit/chain`). They take nothing of the
room that is kept on the disk for everybody else's entries (`audit/files`).
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path

import structlog

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit import chain
from archipelago.security.audit.chain import NODE, AuditAction, AuditEntry, AuditVerdict, Head, Outcome
from archipelago.security.audit.files import LARGEST_FILE, RESERVE, AuditFiles, cut, lines_of
from archipelago.security.audit.head import make_head, read_head, write_head
from archipelago.security.keys.identity import Identity
from archipelago.storage.layout import audit_head
from archipelago.support.private_files import make_folder, reported, write_atomically
from archipelago.support.texts.text import msg

_LONGEST_TEXT = 200
"""Characters that are kept of a text that a caller chose."""
_NOTED_EVERY = 1000
"""Entries after which the file of the node's key notes how far the log has come."""


class AuditLog:
    """Writes, reads and checks the log.

    `folder` holds the files of the log and `head.json`, the newest hash, signed. That it is signed, and how far the log
    had come at the last start, is noted in the file of the node's key (`Identity.note`): a head without signature, and
    an older one, are noticed by that.
    """

    def __init__(
        self, folder: Path, key_file: Path, now: Callable[[], datetime], *, largest_file: int = LARGEST_FILE
    ) -> None:
        self._folder = folder
        self._head_file = audit_head(folder)
        self._key_file = key_file
        self._now = now
        self._files = AuditFiles(folder, largest_file)
        self._identity: Identity | None = None
        self._head = Head()
        self._noted = Head()
        """How far the log had come when that was noted."""
        self._tidy: set[Path] = set()
        """Files that are without refusals."""
        self._lock = threading.Lock()
        self._log = structlog.get_logger("audit")

    async def open(self) -> None:
        """Read where the log ends. Raises `NodeError`."""
        await asyncio.to_thread(self._open)

    async def record(self, audited: AuditAction) -> int:
        """Append an entry and return its sequence once it is on the disk. Raises `NodeError`."""
        # A caller who hangs up does not leave an entry without its head.
        return await asyncio.shield(asyncio.to_thread(self._record, audited))

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """Return the newest entries that can be read, the oldest of them first."""

        def read() -> tuple[AuditEntry, ...]:
            found: list[AuditEntry] = []
            with reported(self._folder):
                for path in reversed(self._files.all()):
                    found = [*_entries(lines_of([path])), *found]
                    if len(found) >= limit:
                        break
            return tuple(found[-limit:])

        return await asyncio.to_thread(read)

    async def lines(self, after: int, limit: int) -> tuple[str, ...]:
        """Return lines as they stand in the log, from number `after` + 1 on; the last page is the one that is short."""

        def read() -> tuple[str, ...]:
            with reported(self._folder):
                page = islice(lines_of(self._files.all()), after, after + limit)
                return tuple(line.rstrip(b"\n").decode("utf-8", "replace") for line in page)

        return await asyncio.to_thread(read)

    async def verify(self) -> AuditVerdict:
        """Check the whole log."""

        def check() -> AuditVerdict:
            with reported(self._folder):
                with self._lock:  # what is appended from here on is left to the next time
                    head, noted, files = self._head, self._noted, self._files.all()
                    end = files[-1].stat().st_size if files else 0
                return chain.verify(lines_of(files, end), head, self._known().is_signed, known=noted)

        return await asyncio.to_thread(check)

    async def drop_old_refusals(self) -> None:
        """Drop refusals from all files but the newest two. Raises `NodeError`."""
        await asyncio.to_thread(self._drop_old_refusals)

    @property
    def public_key(self) -> str:
        """What the signatures are checked with, as PEM."""
        return self._known().public_key

    def _known(self) -> Identity:
        if self._identity is None:
            raise NodeError(ErrorCode.INTERNAL, msg("the audit log is not open"))
        return self._identity

    def _open(self) -> None:
        is_new = not self._key_file.exists()
        identity = self._identity = Identity(self._key_file)
        with reported(self._folder):
            make_folder(self._folder.parent, 0o711)
            make_folder(self._folder, 0o700)
            signed, plain = read_head(self._head_file, identity.is_signed)
            self._noted = _noted(identity.note)
            # Older versions signed no head. Once one was signed, one that is not proves nothing.
            written = signed if signed is not None or identity.note else plain
            is_lost = written is None and not is_new
            files = self._files.all()
            lines = list(lines_of(files[-1:]))
            torn = sum(map(len, takewhile(lambda line: not line.endswith(b"\n"), reversed(lines))))
            heads = (chain.head_of(line, identity.is_signed) for line in reversed(lines) if line.endswith(b"\n"))
            last = next(filter(None, heads), written or Head())
            if torn and (written is None or last.sequence >= written.sequence):
                cut(files[-1], torn)
            if self._noted.sequence > last.sequence:
                # An older head that was signed as well, and a log that was cut to fit.
                is_lost, written = True, self._noted
            # A kill between the two writes leaves the head one entry behind; what ends before the head was cut off, and
            # stays missing for all to see.
            self._head = last if written is None or last.sequence > written.sequence else written
        if signed is None:
            self._begin_signing(identity)
        self._keep_note()
        if is_lost:
            # From here on nobody can find out what is missing at the end, and that is on record.
            self._record(AuditAction(who=NODE, origin="", action="audit-head-lost", outcome=Outcome.FAILED))

    def _begin_signing(self, identity: Identity) -> None:
        try:
            make_head(self._head_file, self._head, identity.sign)
        except OSError as error:
            self._log.warning("the head of the audit log cannot be written", error=str(error))

    def _record(self, audited: AuditAction) -> int:
        with self._lock:
            said = {
                "action": _shortened(audited.action),
                "detail": _shortened(audited.detail),
                "subject": {name: _shortened(value) for name, value in audited.subject.items()},
            }
            entry = AuditEntry(sequence=self._head.sequence + 1, at=self._now(), **(dict(audited) | said))
            one = chain.link(self._head, entry, self._known().sign)
            with reported(self._folder):
                self._files.append(entry.sequence, chain.encode(one), _spare(audited))
                self._head = one.head
                write_head(self._head_file, one.head, self._known().sign)
            if entry.sequence % _NOTED_EVERY == 0:
                self._keep_note()
            return entry.sequence

    def _keep_note(self) -> None:
        try:
            self._known().keep_note(f"{self._head.sequence} {self._head.hash}")
        except NodeError as error:
            # Everything else goes on: with the older note less of what is cut off would be noticed.
            self._log.warning("how far the audit log has come cannot be noted", error=str(error))
            return
        self._noted = self._head

    def _drop_old_refusals(self) -> None:
        identity = self._known()
        with reported(self._folder):
            for path in self._files.all()[:-2]:
                if path in self._tidy:
                    continue
                before = list(lines_of([path]))
                if any(map(_may_be_refusal, before)):
                    after = chain.drop_refusals(before, identity.sign, identity.is_signed)
                    write_atomically(path, b"".join(after))
                self._tidy.add(path)


def _spare(audited: AuditAction) -> int:
    """Return the bytes of the room that is kept which an entry must leave: unknown clients cannot use it up."""
    if not chain.is_refusal(audited):
        return 0
    return RESERVE // 2 if audited.outcome is Outcome.BEGUN else RESERVE


def _may_be_refusal(line: bytes) -> bool:
    return b'"outcome":"refused"' in line or b'"who":"nobody"' in line


def _noted(note: str) -> Head:
    sequence, _, digest = note.partition(" ")
    return Head(sequence=int(sequence), hash=digest) if sequence.isascii() and sequence.isdigit() else Head()


def _entries(lines: Iterable[bytes]) -> Iterator[AuditEntry]:
    for line in lines:
        try:
            yield chain.decode(line).entry
        except ValueError:
            continue


def _shortened(text: str) -> str:
    """Return a text that is no longer than an entry may have it; one that was cut off shows it."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
