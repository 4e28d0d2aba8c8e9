"""What an app has put beside its database costs neither the node's time nor its disk.

It runs as root of a user namespace of one id, in which no groups can be given up.
"""

import contextlib
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archipelago.backups.programs import program

ONE_ID = "import os, resource, sqlite3\nos.setgroups = lambda _: None\n"
HANGING = ONE_ID + "sqlite3.connect = lambda *_, **__: os._exit(len(open('/volume/gate').read()))\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("volume", "out"):
        (tmp_path / folder).mkdir()
    with sqlite3.connect(tmp_path / "volume/app.db") as database:
        database.execute("CREATE TABLE kept (text)")
    database.close()
    return tmp_path


def started(
    root: Path, do: str, *, first: str = ONE_ID, longest: float = 60, reserve: int = 0, patience: float = 5
) -> Any:
    order = {"do": do, "root": str(root), "ids": [0, 1], "databases": [["app.db"]], "patience": patience}
    text = json.dumps({**order, "longest": longest, "reserve": reserve})
    enter = ("unshare", "--user", "--map-root-user", sys.executable, "-I", "-c")
    return subprocess.Popen([*enter, first + program("sqlite"), text], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answered(process: Any) -> dict[str, Any]:
    with process:
        try:
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert not errors, errors
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_a_database_is_copied_and_checked(root: Path) -> None:
    size = (root / "volume/app.db").stat().st_size
    for do in ("copy", "check"):
        assert answered(started(root, do)) == {"path": ["app.db"], "there": True, "bytes": size}
    assert (root / "out/app.db").stat().st_size == size


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_that_stays_locked_is_given_up_in_time_and_copied_once_it_is_free(root: Path, mode: str) -> None:
    """As by a program that holds it for an hour; in WAL mode, one that lets nobody else even read."""
    with contextlib.closing(sqlite3.connect(root / "volume/app.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute(f"PRAGMA journal_mode={mode}")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("INSERT INTO kept VALUES ('not yet')")
        began = time.monotonic()
        assert "locked" in answered(started(root, "copy", patience=0.5))["error"]
        assert time.monotonic() - began < 50, "and not for as long as it is held"
        holder.execute("COMMIT")
    assert "bytes" in answered(started(root, "copy"))
    with contextlib.closing(sqlite3.connect(root / "out/app.db")) as copy:
        assert copy.execute("SELECT text FROM kept").fetchall() == [("not yet",)]


@pytest.mark.parametrize("companion", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("do", ["copy", "check"])
def test_a_pipe_beside_a_database_is_not_opened(root: Path, do: str, companion: str) -> None:
    os.mkfifo(root / f"volume/app.db{companion}")
    assert "is not a file" in answered(started(root, do))["error"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_child_that_waits_forever_ends_in_time_and_with_its_parent(root: Path, killed: bool) -> None:
    os.mkfifo(root / "volume/gate")
    process = started(root, "copy", first=HANGING, longest=60 if killed else 2)
    gate = os.open(root / "volume/gate", os.O_WRONLY)  # once the child has opened it
    try:
        if killed:
            process.kill()
        else:
            assert "not done with a database" in answered(process)["error"]
        reader = select.poll()
        reader.register(gate, 0)
        assert reader.poll(20_000) == [(gate, select.POLLERR)], "the child is gone"
    finally:
        os.close(gate)
        process.kill()
        process.communicate()


def test_a_copy_leaves_room_on_the_disk(root: Path) -> None:
    told = ONE_ID + (
        "def connect(*_, **__): raise OSError(str(resource.getrlimit(resource.RLIMIT_FSIZE)[0]))\n"
        "sqlite3.connect = connect\n"
    )
    disk = shutil.disk_usage(root)
    limit = int(answered(started(root, "copy", first=told, reserve=disk.free // 2))["error"].split()[-1])
    assert 0 < limit < disk.total - disk.free // 2
    assert "no space left on device" in answered(started(root, "copy", reserve=disk.total))["error"]
    os.truncate(root / "volume/app.db", disk.total + 1)
    assert "no space left on device" in answered(started(root, "copy"))["error"]
    assert not list((root / "out").iterdir())


def test_a_copy_for_which_the_room_ends_half_way_says_so(root: Path) -> None:
    """SQLite itself says no more than that a write failed."""
    room = ONE_ID + "os.statvfs = lambda _: type('disk', (), {'f_bavail': 32, 'f_frsize': 4096})\n"
    with contextlib.closing(sqlite3.connect(root / "volume/app.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        assert "bytes" in answered(started(root, "copy", first=room))
        database.execute("INSERT INTO kept VALUES (?)", ("x" * 500_000,))
        database.commit()  # into the log beside it: its size says nothing of that
        assert "no space left on device" in answered(started(root, "copy", first=room))["error"]
