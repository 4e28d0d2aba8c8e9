"""The audit log on disk: appended to, never rewritten; each entry is on the disk before the node goes on."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.security import audit_chain
from archipelago.security.audit_chain import AuditEntry, AuditVerdict, Deed, Head, Outcome
from archipelago.security.identity import Identity
from archipelago.security.private_files import make_folder, reported, sync_folder, write_atomically

_LARGEST_FILE = 8 << 20
_LONGEST_LINE = 64 << 10
_LONGEST_TEXT = 200
"""Characters that are kept of a text that a caller chose."""


class AuditLog:
    """Writes, reads and checks the log.

    `folder` holds files named by the sequence of their first entry, `000000000001.jsonl` …, and `head.json`.
    """

    def __init__(
        self, folder: Path, key_file: Path, now: Callable[[], datetime], *, largest_file: int = _LARGEST_FILE
    ) -> None:
        self._folder = folder
        self._key_file = key_file
        self._now = now
        self._largest_file = largest_file
        self._identity: Identity | None = None
        self._head = Head()
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Read where the log ends. Raises `NodeError`."""
        await asyncio.to_thread(self._open)

    async def record(self, deed: Deed) -> int:
        """Append an entry and return its sequence once it is on the disk. Raises `NodeError`."""
        # A caller who hangs up does not leave an entry without its head.
        return await asyncio.shield(asyncio.to_thread(self._record, deed))

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """Return the newest entries that can be read, the oldest of them first."""

        def read() -> tuple[AuditEntry, ...]:
            found: list[AuditEntry] = []
            with reported(self._folder):
                for path in reversed(self._files()):
                    found = [*_entries(_lines([path])), *found]
                    if len(found) >= limit:
                        break
            return tuple(found[-limit:])

        return await asyncio.to_thread(read)

    async def lines(self, after: int, limit: int) -> tuple[str, ...]:
        """Return lines as they stand in the log, from number `after` + 1 on; the last page is the one that is short."""

        def read() -> tuple[str, ...]:
            with reported(self._folder):
                page = islice(_lines(self._files()), after, after + limit)
                return tuple(line.rstrip(b"\n").decode("utf-8", "replace") for line in page)

        return await asyncio.to_thread(read)

    async def verify(self) -> AuditVerdict:
        """Check the whole log."""

        def check() -> AuditVerdict:
            with reported(self._folder):
                with self._lock:  # what is appended from here on is left to the next time
                    head, files = self._head, self._files()
                    end = files[-1].stat().st_size if files else 0
                return audit_chain.verify(_lines(files, end), head, self._known().is_signed)

        return await asyncio.to_thread(check)

    @property
    def public_key(self) -> str:
        """What the signatures are checked with, as PEM."""
        return self._known().public_key

    def _known(self) -> Identity:
        if self._identity is None:
            raise NodeError(ErrorCode.INTERNAL, "the audit log is not open")
        return self._identity

    def _open(self) -> None:
        is_new = not self._key_file.exists()
        self._identity = Identity(self._key_file)
        with reported(self._folder):
            make_folder(self._folder.parent, 0o711)
            make_folder(self._folder, 0o700)
            written = _read_head(self._folder / "head.json")
            files = self._files()
            last, torn = written or Head(), 0
            for line in _lines(files[-1:]):
                torn = 0 if line.endswith(b"\n") else torn + len(line)
                last = (_head_of(line) if not torn else None) or last
            if torn and (written is None or last.sequence >= written.sequence):
                _cut(files[-1], torn)
        # A kill between the two writes leaves the head one entry behind; what ends before the head was cut off, and
        # stays missing for all to see.
        self._head = last if written is None or last.sequence > written.sequence else written
        if written is None and not is_new:
            # From here on nobody can tell what is missing at the end, and that is on record.
            self._record(Deed(who="node", origin="", action="audit-head-lost", outcome=Outcome.FAILED))

    def _record(self, deed: Deed) -> int:
        with self._lock:
            said = {
                "action": deed.action[:_LONGEST_TEXT],
                "detail": deed.detail[:_LONGEST_TEXT],
                "subject": {name: value[:_LONGEST_TEXT] for name, value in deed.subject.items()},
            }
            sequence = self._head.sequence + 1
            self._append(AuditEntry(sequence=sequence, at=self._now(), **(dict(deed) | said)))
            return sequence

    def _append(self, entry: AuditEntry) -> None:
        one = audit_chain.link(self._head, entry, self._known().sign)
        with reported(self._folder):
            path = self._place(entry.sequence)
            is_new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                # Half a line that somebody put there must not swallow this one.
                is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                try:
                    _write(descriptor, b"\n" * is_torn + audit_chain.encode(one))
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)  # half a line would spoil the next one
                    raise
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self._folder)
            self._head = one.head
            write_atomically(self._folder / "head.json", one.head.model_dump_json().encode() + b"\n")

    def _place(self, sequence: int) -> Path:
        files = self._files()
        if files and files[-1].stat().st_size < self._largest_file:
            return files[-1]
        return self._folder / f"{sequence:012}.jsonl"

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.jsonl"))


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def _lines(files: Sequence[Path], end: int | None = None) -> Iterator[bytes]:
    """Yield the lines of files, of the last one up to byte `end`; too long a line comes in pieces, and is no entry."""
    for number, path in enumerate(files, start=1):
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            while line := file.readline(_LONGEST_LINE):
                if number == len(files) and end is not None and file.tell() > end:
                    break
                yield line


def _entries(lines: Iterable[bytes]) -> Iterator[AuditEntry]:
    for line in lines:
        try:
            yield audit_chain.decode(line).entry
        except ValueError:
            continue


def _head_of(line: bytes) -> Head | None:
    try:
        return audit_chain.decode(line).head
    except ValueError:
        return None


def _read_head(path: Path) -> Head | None:
    try:
        return Head.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _cut(path: Path, count: int) -> None:
    """Remove a last line that a power cut left unfinished: nobody was told that it had been written."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - count)
        os.fsync(file.fileno())
