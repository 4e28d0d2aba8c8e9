"""Hostile databases in a volume lead nowhere else; in a user namespace of one id, where none can be copied."""

import functools
import sqlite3
import sys
from pathlib import Path

import pytest

from archipelago.backups.databases import Databases
from archipelago.backups.restic.launch import launch
from archipelago.errors import NodeError

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
