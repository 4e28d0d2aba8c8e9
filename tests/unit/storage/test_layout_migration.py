"""Data of an earlier layout is moved once, and never where that could lose some of it."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from archipelago.errors import NodeError
from archipelago.storage import layout_migration
from archipelago.storage.layout import LAYOUT_VERSION, Layout
from archipelago.storage.layout_migration import left_behind, migrate
from archipelago.storage.schema import newest_revision
from support import old_database


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A data root that is empty yet."""
    (tmp_path / "root").mkdir()
    return Layout(tmp_path / "root", tmp_path / "run")


def not_needed(moves: Sequence[tuple[Path, Path]]) -> None:
    """Stand for what Podman would be needed for."""
    raise AssertionError(moves)


def with_apps(layout: Layout, *apps: str) -> None:
    """Write what the database of a node of version 1 says of its apps, and their logs and secrets."""
    old_database.migrate(layout.database, "0005")
    with closing(sqlite3.connect(layout.database)) as database:
        database.executemany("INSERT INTO slots VALUES (?, ?)", [(app, number) for number, app in enumerate(apps)])
        database.commit()
    for app in apps:
        for name in ("logs", "secrets", "sbom"):
            folder = layout.root / name / app
            folder.mkdir(parents=True)
            (folder / "what").write_text(f"{name} of {app}")


def revision(layout: Layout) -> str:
    """Return the revision of the tables in the state database."""
    with closing(sqlite3.connect(layout.database)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_node_has_todays_layout(layout: Layout) -> None:
    migrated = migrate(layout, not_needed)
    assert migrated is not None and migrated.apps == ()
    assert json.loads(layout.version_file.read_bytes()) == {"version": LAYOUT_VERSION}
    assert revision(layout) == newest_revision()
    assert migrate(layout, not_needed) is None


def test_what_was_an_apps_is_in_its_folder_and_the_rest_stays(layout: Layout) -> None:
    with_apps(layout, "knots", "secrets")
    (layout.root / "logs" / "audit").mkdir()
    (layout.root / "notes.txt").write_text("mine")
    (layout.root / "secrets" / "stranger").mkdir()
    migrated = migrate(layout, not_needed)
    assert migrated is not None and migrated.apps == ("knots", "secrets")
    for app in migrated.apps:
        folder = layout.app(app)
        found = {path.name: (path / "what").read_text() for path in (folder.logs, folder.secrets, folder.sbom)}
        assert found == {name: f"{name} of {app}" for name in ("logs", "secrets", "sbom")}
    assert (layout.root / "notes.txt").read_text() == "mine"
    assert layout.audit_log.is_dir() and (layout.root / "secrets" / "stranger").is_dir()
    assert not (layout.root / "sbom").exists() and not layout.new_apps.exists()


def test_a_second_time_changes_nothing(layout: Layout) -> None:
    with_apps(layout, "knots")
    migrate(layout, not_needed)
    before = tree(layout.root)
    assert migrate(layout, not_needed) is None
    assert tree(layout.root) == before


def test_it_goes_on_wherever_it_was_broken_off(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_apps(layout, "knots", "lnd")
    kept = tmp_path / "kept"
    shutil.copytree(layout.root, kept)
    assert migrate(layout, not_needed) is not None
    wanted = tree(layout.root)

    class Killed(BaseException):
        pass

    rename, step = os.rename, 0
    broken_off = True
    while broken_off:
        shutil.rmtree(layout.root)
        shutil.copytree(kept, layout.root)
        left = step = step + 1

        def dying(old: Path, new: Path) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            rename(old, new)

        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", dying)
            patch.setattr(os, "replace", dying)
            try:
                migrate(layout, not_needed)
                broken_off = False
            except Killed:
                assert not layout.apps.exists()
                assert revision(layout) == newest_revision(), "an earlier version would start on what is left"
        if broken_off:
            assert migrate(layout, not_needed) is not None
        assert tree(layout.root) == wanted
    assert step > 2 * 3 + 2


def test_a_database_that_cannot_be_brought_up_to_date_leaves_all_where_it_is(layout: Layout) -> None:
    with_apps(layout, "knots")
    with closing(sqlite3.connect(layout.database)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert "newer version" in refused.value.message
    assert {path: text for path, text in tree(layout.root).items() if not path.startswith("state.db")} == {
        path: text for path, text in before.items() if not path.startswith("state.db")
    }


@pytest.mark.parametrize("text", ['{"version": 3}', '{"version": 1}', '{"version": "2"}', "", "[]"])
def test_a_layout_that_is_not_known_is_refused(layout: Layout, text: str) -> None:
    with_apps(layout, "knots")
    layout.apps.mkdir()
    layout.version_file.write_text(text)
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert ("newer version" in refused.value.message) == ("3" in text)
    assert tree(layout.root) == before


def test_a_folder_in_the_way_is_refused_and_nothing_moves(layout: Layout) -> None:
    with_apps(layout, "knots")
    (layout.apps / "mine").mkdir(parents=True)
    (layout.apps / "mine" / "letter").write_text("dear")
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert str(layout.apps) in refused.value.message and refused.value.hint
    assert tree(layout.root) == before


def test_data_in_both_places_is_refused(layout: Layout) -> None:
    with_apps(layout, "knots")
    (layout.new_apps / "knots" / "secrets").mkdir(parents=True)
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert "both" in refused.value.message
    assert {path: text for path, text in tree(layout.root).items() if "secrets" in path} == {
        path: text for path, text in before.items() if "secrets" in path
    }


def test_a_damaged_database_is_refused(layout: Layout) -> None:
    layout.database.write_bytes(b"no database, but longer than the head of one" * 40)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert str(layout.database) in refused.value.message
    assert not layout.apps.exists()


@pytest.mark.parametrize("place", ["knots", "knots/data", "secrets/knots", "logs/knots", "sbom/knots"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_place_of_an_apps_data_is_for_the_owner_to_replace(
    layout: Layout, tmp_path: Path, place: str, there: bool
) -> None:
    with_apps(layout, "knots", "lnd")
    elsewhere = tmp_path / "disk"
    if there:
        elsewhere.mkdir()
    link = layout.root / place
    if link.exists():
        shutil.rmtree(link)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed)
    assert f"{link} is a link to {elsewhere}" in refused.value.message
    assert str(layout.app("knots").path) in refused.value.hint and "mount --bind" in refused.value.hint
    assert tree(layout.root) == before and revision(layout) == "0005"


def test_a_disk_that_is_mounted_in_an_apps_folder_is_for_the_owner_to_move(layout: Layout) -> None:
    with_apps(layout, "knots")
    (layout.root / "knots" / "my chain").mkdir(parents=True)
    place = str(layout.root / "knots" / "my chain").replace(" ", "\\040")
    mounts = f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:17 / {place} rw - ext4 /dev/sdb1 rw\n"
    before = tree(layout.root)
    with pytest.raises(NodeError) as refused:
        migrate(layout, not_needed, lambda: mounts)
    assert revision(layout) == "0005", "the owner needs the version before"
    assert "my chain" in refused.value.message and str(layout.app("knots").volume("my chain")) in refused.value.hint
    assert tree(layout.root) == before


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `words` tell volumes from other folders: only root could give them to another user."""
    monkeypatch.setattr(layout_migration, "_is_an_apps", lambda path: (path / "words").exists())


def volume(folder: Path, text: str) -> None:
    """Make a volume."""
    folder.mkdir(parents=True)
    (folder / "words").write_text(text)


def follow(layout: Layout) -> None:
    """Do what the owner is told about the only folder that was left behind."""
    (left,) = left_behind(layout)
    subprocess.run(["sh", "-euc", left.remedy.partition("stopped: ")[2]], check=True)
    assert not list(left_behind(layout))


@pytest.mark.usefixtures("marked")
def test_data_that_an_earlier_version_began_again_can_take_the_place_of_todays(layout: Layout) -> None:
    with_apps(layout, "knots")
    migrate(layout, not_needed)
    volume(layout.app("knots").volume("data"), "of today")
    volume(layout.root / "knots" / "data", "of the earlier version")
    (layout.root / "secrets" / "knots").mkdir(parents=True)
    (layout.root / "secrets" / "knots" / "rpc.age").write_text("its secret")
    follow(layout)
    assert (layout.app("knots").volume("data") / "words").read_text() == "of the earlier version"
    assert os.listdir(layout.app("knots").volumes) == ["data"], "nothing is nested"
    assert layout.app("knots").secret("rpc").read_text() == "its secret"
    aside = layout.root / "knots.aside"
    assert (aside / "volumes" / "data" / "words").read_text() == "of today"
    assert (aside / "secrets" / "what").read_text() == "secrets of knots"
    assert (layout.app("knots").logs / "what").exists()


@pytest.mark.usefixtures("marked")
def test_data_of_an_app_that_was_not_known_can_be_brought_to_its_folder(layout: Layout) -> None:
    migrate(layout, not_needed)
    volume(layout.root / "images" / "my photos", "mine")
    (layout.root / "images" / "own.json").write_text("the node's")
    follow(layout)
    assert (layout.app("images").volume("my photos") / "words").read_text() == "mine"
    assert (layout.root / "images" / "own.json").exists()


@pytest.mark.usefixtures("marked")
def test_secrets_alone_are_left_behind_too(layout: Layout) -> None:
    migrate(layout, not_needed)
    (layout.root / "secrets" / "knots").mkdir(parents=True)
    (layout.root / "secrets" / "knots" / "rpc.age").write_text("its secret")
    follow(layout)
    assert layout.app("knots").secret("rpc").read_text() == "its secret"
