"""A folder that comes out of a snapshot: its owner learns what is not in it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from archipelago.backups.restic.launch import Ended, Order
from archipelago.container.operations.snapshot_files import SnapshotFiles
from archipelago.storage.layout import Layout

NAME = "2026-11-29T08-40-00.000Z"


async def launch(order: Order, on_line: Callable[[str], None]) -> Ended:
    """Run a command as this user."""
    done = subprocess.run(order.command, capture_output=True, text=True, timeout=30)
    for line in done.stdout.splitlines():
        on_line(line)
    return Ended(done.returncode, done.stderr)


async def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run")
    volume = layout.app("app").snapshot(NAME).volume("data")
    (volume / "deep").mkdir(parents=True)
    (volume / "deep/file").write_text("hello")
    os.mkfifo(volume / "deep/pipe")

    async def about(*_: str) -> None: ...

    store = cast(Any, SimpleNamespace(about=about))
    files = SnapshotFiles(layout, cast(Any, None), store, launch)
    to = tmp_path / "to"
    assert (await files.extract("app", NAME, "volumes/data/deep", str(to))).left_out == 1
    assert [each.name for each in (to / "deep").iterdir()] == ["file"]
