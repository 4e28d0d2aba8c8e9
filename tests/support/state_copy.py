"""The database of a node that runs, which has it for itself: looked at in a copy."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def copied_state(root: Path) -> Iterator[sqlite3.Connection]:
    """Yield a copy of the database of a node, whose data root this is, and which writes nothing at the moment."""
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("", "-wal"):
            if (source := root / f"state.db{ending}").exists():
                shutil.copyfile(source, Path(folder) / source.name)
        with contextlib.closing(sqlite3.connect(Path(folder) / "state.db")) as database:
            yield database
