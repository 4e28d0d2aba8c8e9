"""Another program that has a lock on a SQLite database: `python other_database_user.py FILE [exclusive]`.

It says that it has the lock, and lets go of it when its input ends.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def main() -> None:
    """Take the lock and keep it."""
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    if "exclusive" in sys.argv[2:]:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    print("locked", flush=True)
    sys.stdin.read()
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def locked(path: Path, *more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Have another process keep a lock on a database until the end, or until its input is closed."""
    command = [sys.executable, __file__, str(path), *more]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield process


if __name__ == "__main__":
    main()
