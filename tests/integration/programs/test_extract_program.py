"""One file or folder is copied out of a snapshot: nothing else comes along, whatever the app has put there."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archipelago.backups.programs import program
from archipelago.backups.programs.extract import Extractor


def extract(volume: Path, to: Path, *names: str, reserve: int = 0) -> dict[str, Any]:
    order = {"volume": str(volume), "names": names, "to": str(to), "reserve": reserve}
    command = [sys.executable, "-I", "-c", program("extract"), json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert not done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 1) == ("error" in answer)
    return answer


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of the host")
    volume = tmp_path / "volume"
    (volume / "deep/er").mkdir(parents=True)
    (volume / "deep/file").write_text("hello")
    (volume / "deep/file").chmod(0o6751)
    (volume / "deep/link").symlink_to("/etc/passwd")
    (volume / "out").symlink_to("..")
    os.mkfifo(volume / "deep/er/pipe")
    with (volume / "deep/er/holes").open("wb") as file:
        file.seek(1 << 40)
        file.write(b"end")
    return volume


@pytest.fixture
def to(tmp_path: Path) -> Path:
    (tmp_path / "to").mkdir()
    return tmp_path / "to"


def test_a_folder_comes_back_with_its_links_as_links_and_without_pipes(volume: Path, to: Path) -> None:
    found = extract(volume, to, "deep")
    assert found == {"files": 2, "folders": 2, "links": 1, "left_out": 1, "bytes": found["bytes"]}
    assert (to / "deep/file").read_text() == "hello"
    assert stat.S_IMODE((to / "deep/file").stat().st_mode) == 0o751, "no special modes"
    assert (to / "deep/link").is_symlink() and os.readlink(to / "deep/link") == "/etc/passwd"
    holes = (to / "deep/er/holes").stat()
    assert holes.st_size == (1 << 40) + 3 and holes.st_blocks * 512 < 1 << 20, "holes stay holes"
    assert not (to / "deep/er/pipe").exists()


def test_one_file_comes_back_alone(volume: Path, to: Path) -> None:
    extract(volume, to, "deep", "file")
    assert [path.name for path in to.rglob("*")] == ["file"]


def test_the_whole_volume_comes_back(volume: Path, to: Path) -> None:
    extract(volume, to)
    assert sorted(path.name for path in to.iterdir()) == ["deep", "out"]


@pytest.mark.parametrize("names", [("out", "secret"), ("deep", "link", "x"), ("missing",)])
def test_no_link_leads_out(volume: Path, to: Path, names: tuple[str, ...]) -> None:
    assert extract(volume, to, *names) == {"error": "missing"}
    assert not list(to.iterdir())


def test_room_is_left_on_the_disk(volume: Path, to: Path) -> None:
    assert extract(volume, to, "deep", reserve=1 << 60)["full"] is True


def test_folders_without_end_are_cut_off(volume: Path, to: Path) -> None:
    place = volume / "deep"
    for _ in range(300):
        place = place / "d"
        place.mkdir()
    assert extract(volume, to, "deep")["left_out"] == 2


def test_what_a_disk_takes_in_parts_is_whole_at_the_end(
    volume: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(1, 256)) * 1000
    (volume / "big").write_bytes(content)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:70_000]))
    flags = os.O_RDONLY | os.O_DIRECTORY
    source, target = os.open(volume, flags), os.open(to, flags)
    try:
        Extractor(0).copy(source, target, "big")
    finally:
        os.close(source)
        os.close(target)
    assert (to / "big").read_bytes() == content
