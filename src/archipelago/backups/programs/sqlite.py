"""Copies and checks databases of SQLite in a volume; a small program of its own (see the package).

It is root of the user namespace. What an app has written is opened by a child that is confined to the volume
(chroot(2)) and has the app's own user, so a link or a hostile file reaches nothing that the app does not reach.

Its argument is one order as JSON: `do` (`copy` or `check`), `root` (in which are `volume`, and `out` for copies), `ids`
(first and number of the app's ids), `databases` (each a list of names), `patience` and `longest` (for one database) in
seconds, and `reserve`, the bytes of the disk that copies leave free. It prints one line of JSON for each database.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import select
import signal
import sqlite3
import stat
import sys
import time
from urllib.parse import quote

_MEMORY = 2 << 30
_DEATH_SIGNAL = 1
"""Option of prctl(2)."""
_LONGEST_ANSWER = 1 << 16
_LOCKED = (5, 6)
"""SQLITE_BUSY and SQLITE_LOCKED."""
_COMPANIONS = ("-journal", "-wal", "-shm")


class DatabaseRefused(Exception):
    """The text says why."""


def main() -> None:
    """Work through the databases; the exit code is 1 where one failed."""
    order = json.loads(sys.argv[1])
    failed = False
    for names in order["databases"]:
        try:
            answer = _database(order, names)
        except (DatabaseRefused, OSError) as error:
            answer, failed = {"error": getattr(error, "strerror", None) or str(error)}, True
        print(json.dumps({"path": names, **answer}), flush=True)
    sys.exit(failed)


def _database(order: dict, names: list) -> dict:  # type: ignore[type-arg]
    found = _find(os.path.join(order["root"], "volume"), names)
    if found is None:
        return {"there": False}
    first, number = order["ids"]
    if not (stat.S_ISREG(found.st_mode) and first <= found.st_uid < first + number):
        raise DatabaseRefused(f"{'/'.join(names)} is not a file of the app")
    if order["do"] == "copy":
        _make_place(os.path.join(order["root"], "out"), names, found)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(order, names, found, writer)
    os.close(writer)
    try:
        text = _answer(reader, order["longest"])
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    answer = json.loads(text) if text else {"error": "the database is damaged"}
    if "error" in answer:
        raise DatabaseRefused(f"{'/'.join(names)}: {answer['error']}")
    return {"there": True, **answer}


def _answer(reader: int, longest: float) -> bytes:
    """Return what the child says until it ends; what the app has written may have it wait forever."""
    until, text = time.monotonic() + longest, b""
    while len(text) < _LONGEST_ANSWER:
        if not select.select([reader], [], [], max(0.0, until - time.monotonic()))[0]:
            raise DatabaseRefused(f"SQLite was not done with a database within {longest:.0f} s")
        piece = os.read(reader, _LONGEST_ANSWER)
        if not piece:
            break
        text += piece
    return text


def _find(volume: str, names: list):  # type: ignore[no-untyped-def, type-arg]
    """Return what is known of a file, None where there is none; no link is followed."""
    directory = os.open(volume, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name in names[:-1]:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = inner
        return os.stat(names[-1], dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    finally:
        os.close(directory)


def _make_place(folder: str, names: list, found: os.stat_result) -> None:  # type: ignore[type-arg]
    """Make the directories of a copy, the app's user's own; nobody else reaches them here."""
    os.chown(folder, found.st_uid, found.st_gid)
    for name in names[:-1]:
        folder = os.path.join(folder, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        os.chown(folder, found.st_uid, found.st_gid)


def _in_child(order: dict, names: list, found: os.stat_result, writer: int) -> None:  # type: ignore[type-arg]
    try:
        libc = ctypes.CDLL(None)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        os.chroot(order["root"])
        os.chdir("/")
        os.setgroups([])
        os.setresgid(found.st_gid, found.st_gid, found.st_gid)
        os.setresuid(found.st_uid, found.st_uid, found.st_uid)
        libc.prctl(_DEATH_SIGNAL, signal.SIGKILL)  # last: a change of the user clears it
        path = "/".join(names)
        if order["do"] == "copy":
            _limit_size(found.st_size, "/out", order["reserve"])
            answer = _copy(f"/volume/{path}", f"/out/{path}", order["patience"])
            os.chmod(f"/out/{path}", stat.S_IMODE(found.st_mode))
        else:
            answer = _check(f"/volume/{path}")
    except OSError as error:
        answer = {"error": error.strerror or str(error)}
    except (sqlite3.Error, MemoryError, DatabaseRefused) as error:
        answer = {"error": str(error) or type(error).__name__}
    os.write(writer, json.dumps(answer).encode())
    os._exit(0)


def _limit_size(size: int, out: str, reserve: int) -> None:
    """Refuse a database that does not fit on the disk: what is sparse in it takes up blocks in a copy."""
    disk = os.statvfs(out)
    room = disk.f_bavail * disk.f_frsize - reserve
    if size > room:
        raise OSError(errno.ENOSPC, "no space left on device for a copy of the database")
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))  # it may grow meanwhile


def _require_room(source: sqlite3.Connection) -> None:
    """Say of a copy that has reached its limit that the disk is full: SQLite knows no more than that a write failed."""
    pages, size = (source.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
    if pages * size > resource.getrlimit(resource.RLIMIT_FSIZE)[0]:
        raise OSError(errno.ENOSPC, "no space left on device for a copy of the database")


def _require_files(path: str) -> None:
    """Refuse a database beside which SQLite would open what is not a file: open(2) of a pipe waits forever."""
    for each in (path, *(path + companion for companion in _COMPANIONS)):
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.lstat(each).st_mode):
                raise DatabaseRefused(f"{os.path.basename(each)} is not a file")


def _copy(path: str, out: str, patience: float) -> dict:  # type: ignore[type-arg]
    """Copy a database with SQLite's own locks: as it is at one moment, whoever writes.

    Page by page, and not by VACUUM: row ids stay, and what has not changed is found again in the repository.
    """
    until = time.monotonic() + patience

    def on_step(status: int, _remaining: int, _total: int) -> None:
        # While another program has the lock, SQLite does not know yet how much remains.
        if status in _LOCKED and time.monotonic() > until:
            raise DatabaseRefused(f"the database was locked for {patience:.0f} s")

    _require_files(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out)
    with (
        contextlib.closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=patience)) as source,
        contextlib.closing(sqlite3.connect(out)) as copy,
    ):
        source.execute("PRAGMA trusted_schema=OFF")
        # All at once: otherwise it starts again with each write of another process.
        try:
            source.backup(copy, pages=-1, progress=on_step, sleep=0.1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file: what SQLite had beside it is not copied
        except sqlite3.OperationalError:
            _require_room(source)
            raise
        _require_whole(copy, "quick_check")
    return {"bytes": os.stat(out).st_size}


def _check(path: str) -> dict:  # type: ignore[type-arg]
    _require_files(path)
    with contextlib.closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True)) as database:
        _require_whole(database, "integrity_check")
    return {"bytes": os.stat(path).st_size}


def _require_whole(database: sqlite3.Connection, check: str) -> None:
    found = [row[0] for row in database.execute(f"PRAGMA {check}(3)")]
    if found != ["ok"]:
        raise DatabaseRefused(f"the database is damaged: {'; '.join(map(str, found))[:300]}")


if __name__ == "__main__":
    main()
