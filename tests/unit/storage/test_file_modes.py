"""Modes are those that are meant, not those that an umask left."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from archipelago.storage.file_modes import make_folders, repair, wrong_modes
from archipelago.storage.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Folders as a node makes them, with files of each kind."""
    layout = Layout(tmp_path / "root", tmp_path / "run")
    make_folders(layout)
    for folder in (layout.app("knots").secrets, layout.files / "knots", layout.audit_log):
        folder.mkdir(parents=True)
    for file in (layout.database, layout.root / "state.db-wal", layout.node_key):
        file.touch()
    return layout


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Whatever the umask is."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    """Return the mode of a path."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_folders_are_made_with_their_modes(umask: int, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run")
    make_folders(layout)
    assert {mode(folder) for folder in (layout.root, layout.apps, layout.builds, layout.files)} == {0o711}
    assert mode(layout.runtime) == 0o711
    assert {mode(folder) for folder in (layout.logs, layout.downloads)} == {0o700}
    assert not wrong_modes(layout)


def test_what_others_may_read_is_found_and_put_right(layout: Layout) -> None:
    paths = (layout.root, *layout.root.rglob("*"), *layout.runtime.rglob("*"))
    for path in paths:
        path.chmod(0o777 if path.is_dir() else 0o666)
    assert len(wrong_modes(layout)) >= len(paths) - 1, "all but the folder of builds' own"
    assert repair(layout) == () and wrong_modes(layout) == ()
    closed = (layout.app("knots").secrets, layout.audit_log, layout.database, layout.root / "state.db-wal")
    assert all(mode(path) & 0o077 == 0 for path in closed)
    assert mode(layout.app("knots").path) == mode(layout.files / "knots") == 0o710


def test_a_link_is_reported_and_not_followed(layout: Layout, tmp_path: Path) -> None:
    strangers = tmp_path / "strangers"
    strangers.touch()
    strangers.chmod(0o644)
    layout.identity_key.symlink_to(strangers)
    (wrong,) = repair(layout)
    assert wrong.path == layout.identity_key and "link" in wrong.why
    assert mode(strangers) == 0o644


def test_what_is_in_a_volume_is_left_alone(layout: Layout) -> None:
    volume = layout.app("knots").volume("data")
    volume.mkdir(parents=True)
    (volume / "open").touch()
    (volume / "open").chmod(0o644)
    volume.chmod(0o755)
    repair(layout)
    assert (mode(volume), mode(volume / "open")) == (0o755, 0o644)
    assert mode(volume.parent) & 0o007 == 0, "nobody comes there"
