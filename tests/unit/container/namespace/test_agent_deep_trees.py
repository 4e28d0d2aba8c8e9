"""Directories that an app has nested without end: they are counted, and go."""

import os
from pathlib import Path

import pytest

from archipelago.container.namespace.agent.copies import survey
from archipelago.container.namespace.agent.files import measure
from archipelago.container.namespace.agent.refused import Refused
from archipelago.container.namespace.agent.removal import remove
from archipelago.container.namespace.agent.volumes import discard

FOREVER = float("inf")


def nested(volume: Path, name: str, depth: int) -> None:
    """Make directories in each other, with a file in the innermost."""
    volume.mkdir()
    directory = os.open(volume, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=directory)
        inner = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=directory))
    os.close(directory)


@pytest.fixture(params=[("d", 1500), ("x" * 250, 40)], ids=["deep", "longer than any path"])
def volume(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    nested(tmp_path / "volume", *request.param)
    return str(tmp_path / "volume")


def test_it_is_counted_as_far_as_paths_reach_and_removed(volume: str) -> None:
    reached = os.listdir(volume) == ["d"]
    assert measure(volume, FOREVER)["complete"] is reached
    found = survey(volume, FOREVER)
    assert (found["complete"], found["other"]) == (reached, "")
    assert remove(volume) == {} and not os.path.lexists(volume)
    assert remove(volume) == {}


def test_it_is_discarded_from_a_volume_which_stays(volume: str) -> None:
    discard(volume, os.listdir(volume))
    assert os.listdir(volume) == []
    (Path(volume) / "a").mkdir()
    discard(volume, [])
    assert os.listdir(volume) == []


def test_what_a_link_leads_to_stays(tmp_path: Path) -> None:
    nested(tmp_path / "volume", "d", 3)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "volume/link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(NotADirectoryError):
        remove(str(tmp_path / "link"))
    remove(str(tmp_path / "volume"))
    assert (tmp_path / "kept/file").exists() and not (tmp_path / "volume").exists()


def test_what_cannot_be_removed_is_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested(tmp_path / "volume", "d", 3)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rm").write_text("#!/bin/sh\necho \"rm: cannot remove '$4': Input/output error\" >&2\nexit 1\n")
    (tmp_path / "bin/rm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(Refused, match=r"^Input/output error$"):
        remove(str(tmp_path / "volume"))
