"""How much room is left where backups go, and which folders are taken for them."""

import shutil
from pathlib import Path

import pytest

from archipelago.api.backups import FolderTarget, RestTarget
from archipelago.container.operations.backups import _refuse_other_data, free_at, refuse_own_folders
from archipelago.errors import ErrorCode, NodeError


def test_the_room_of_a_folder_is_that_of_its_disk(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"")
    found = free_at(FolderTarget(kind="folder", path=str(tmp_path)))
    assert found is not None and abs(found - shutil.disk_usage(tmp_path).free) < 1 << 30


def test_the_folder_below_a_disk_that_is_away_says_nothing_of_its_room(tmp_path: Path) -> None:
    assert free_at(FolderTarget(kind="folder", path=str(tmp_path))) is None
    assert free_at(FolderTarget(kind="folder", path=str(tmp_path / "gone"))) is None


def test_the_room_of_a_server_is_not_known() -> None:
    assert free_at(RestTarget(kind="rest", url="https://backup.example.com", user="")) is None


def test_a_disk_with_other_data_on_it_gets_no_backups_and_keeps_its_data(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.jpg").write_bytes(b"a photo")
    with pytest.raises(NodeError, match="there are other files in") as refused:
        _refuse_other_data(tmp_path)
    assert refused.value.code is ErrorCode.INVALID_VALUE and f"{tmp_path}/archipelago" in refused.value.hint
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "one.jpg"]


def test_an_empty_disk_a_new_folder_and_a_repository_are_taken(tmp_path: Path) -> None:
    _refuse_other_data(tmp_path / "new")
    (tmp_path / "lost+found").mkdir()
    _refuse_other_data(tmp_path)
    for name in ("config", "data", "proofs"):
        (tmp_path / name).mkdir()
    _refuse_other_data(tmp_path)


def test_no_backup_goes_among_the_node_s_own_data(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "root")
    (tmp_path / "root/apps").mkdir(parents=True)
    for folder in ("root", "root/apps/x", "link/apps"):
        with pytest.raises(NodeError, match="among the node's own data"):
            refuse_own_folders(tmp_path / folder, (tmp_path / "root",))
    refuse_own_folders(tmp_path / "rootless", (tmp_path / "root",))
