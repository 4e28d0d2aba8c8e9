"""Hostile databases in a volume lead nowhere else; in a user namespace of one id, where none can be copied."""

import functools
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archipelago.backups.databases import Databases
from archipelago.backups.restic.launch import Ended, Order, launch
from archipelago.errors import ErrorCode, NodeError

pytestmark = pytest.mark.asyncio
LAUNCH = functools.partial(launch, enter=("unshare", "--user", "--map-root-user"))


@pytest.mark.parametrize("names", [("link.db",), ("folder", "real.db"), ("directory",)])
async def test_what_is_not_a_file_of_the_app_is_not_opened(tmp_path: Path, names: tuple[str, ...]) -> None:
    volume, out, elsewhere = tmp_path / "volume", tmp_path / "out", tmp_path / "elsewhere"
    for folder in (volume, out, elsewhere, volume / "directory"):
        folder.mkdir()
    sqlite3.connect(elsewhere / "real.db").close()
    (volume / "link.db").symlink_to(elsewhere / "real.db")
    (volume / "folder").symlink_to(elsewhere)
    databases = Databases(LAUNCH, tmp_path / "view", sys.executable)
    with pytest.raises(NodeError, match="cannot be copied"):
        await databases.copy("app", 0, volume, out, [names])
    assert list(out.iterdir()) == []


async def test_a_database_that_the_app_has_not_made_yet_is_no_failure(tmp_path: Path) -> None:
    for name in ("volume", "out"):
        (tmp_path / name).mkdir()
    databases = Databases(LAUNCH, tmp_path / "view", sys.executable)
    assert await databases.copy("app", 0, tmp_path / "volume", tmp_path / "out", [("none.db",), ("a", "b.db")]) == ()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("database or disk is full", ErrorCode.DISK_FULL),
        ("no space left on device for a copy of the database", ErrorCode.DISK_FULL),
        ("database disk image is malformed", ErrorCode.NOT_HEALTHY),
    ],
)
async def test_a_full_disk_is_not_taken_for_a_damaged_database(tmp_path: Path, said: str, code: ErrorCode) -> None:
    async def fails(_: Order, hear: Callable[[str], None]) -> Ended:
        hear(json.dumps({"path": ["app.db"], "error": f"app.db: {said}"}))
        return Ended(1, "")

    databases = Databases(fails, tmp_path / "view", sys.executable)
    with pytest.raises(NodeError, match=said) as refused:
        await databases.copy("app", 0, tmp_path / "volume", tmp_path / "out", [("app.db",)])
    assert refused.value.code is code
