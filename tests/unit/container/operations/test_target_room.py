"""How much room is left where backups go."""

import shutil
from pathlib import Path

from archipelago.api.backups import FolderTarget, RestTarget
from archipelago.container.operations.backups import free_at


def test_the_room_of_a_folder_is_that_of_its_disk(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"")
    found = free_at(FolderTarget(kind="folder", path=str(tmp_path)))
    assert found is not None and abs(found - shutil.disk_usage(tmp_path).free) < 1 << 30


def test_the_folder_below_a_disk_that_is_away_says_nothing_of_its_room(tmp_path: Path) -> None:
    assert free_at(FolderTarget(kind="folder", path=str(tmp_path))) is None
    assert free_at(FolderTarget(kind="folder", path=str(tmp_path / "gone"))) is None


def test_the_room_of_a_server_is_not_known() -> None:
    assert free_at(RestTarget(kind="rest", url="https://backup.example.com", user="")) is None
