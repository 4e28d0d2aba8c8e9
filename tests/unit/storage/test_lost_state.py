"""A state database that is gone or empty is no first start."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.lost_state import refuse_lost_database
from archipelago.storage.schema import create_tables
from support.checkout import FIXTURES

STATES = sorted(FIXTURES.glob("state-*.db"))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Where a node was killed in its first start."""
    found = Layout(tmp_path / "root", tmp_path / "run")
    refuse_lost_database(found)  # nothing was ever here
    found.apps.mkdir(parents=True)
    found.version_file.write_text("{}")
    refuse_lost_database(found)
    return found


def make(layout: Layout, left: str) -> None:
    """Have data of an app be there."""
    (layout.app("knots").path / left / "one").mkdir(parents=True)


def with_tables(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        with database:
            create_tables(database)
            for each in statements:
                database.execute(each)


@pytest.mark.parametrize("left", ["volumes", "kept"])
def test_data_without_its_database_is_not_taken_by_a_new_node(layout: Layout, left: str) -> None:
    make(layout, left)
    with pytest.raises(NodeError, match=r"state database .* is missing.*knots") as error:
        refuse_lost_database(layout)
    assert error.value.code is ErrorCode.DATA_MISSING and str(layout.apps) in error.value.hint


@pytest.mark.parametrize("left", ["volumes", "kept"])
@pytest.mark.parametrize("tables", [False, True])
def test_an_empty_database_beside_data_is_not_taken_either(layout: Layout, left: str, tables: bool) -> None:
    if tables:
        with_tables(layout.database)
    else:
        layout.database.touch()
    refuse_lost_database(layout)  # a node without apps
    (layout.app("unfinished").path / left).mkdir(parents=True)
    refuse_lost_database(layout)  # of which an installation was cut off
    make(layout, left)
    with pytest.raises(NodeError, match=r"state database .* is empty.*: knots \(") as error:
        refuse_lost_database(layout)
    assert error.value.code is ErrorCode.DATA_MISSING and str(layout.apps) in error.value.hint


def test_a_database_that_knows_an_app_is_taken(layout: Layout) -> None:
    with_tables(layout.database, "INSERT INTO slots VALUES ('knots', 0)")
    make(layout, "volumes")
    refuse_lost_database(layout)


@pytest.mark.parametrize("state", STATES, ids=lambda path: path.stem)
def test_a_database_of_an_earlier_version_is_taken(layout: Layout, state: Path) -> None:
    shutil.copy(state, layout.database)
    make(layout, "volumes")
    refuse_lost_database(layout)


def test_what_cannot_be_read_is_left_to_who_opens_it(layout: Layout) -> None:
    layout.database.write_bytes(b"this is no database" * 1000)
    make(layout, "volumes")
    refuse_lost_database(layout)
