"""Migrates the tables with Alembic. It and SQLAlchemy are large: whoever needs them imports this module late."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, StaticPool, create_engine
from sqlalchemy.exc import DBAPIError

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.schema import MIGRATIONS
from archipelago.support.texts.text import msg


@contextmanager
def as_sqlalchemy(connection: sqlite3.Connection) -> Iterator[Connection]:
    """Give a connection to SQLAlchemy, outside of any transaction: it would roll an open one back."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None)
    with engine.connect() as given:
        yield given


def upgrade(connection: Connection, path: Path, found: str | None) -> None:
    """Migrate tables of a revision, and commit. Raises `NodeError` for an unknown revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "{path} was written by a newer version of Archipelago (its tables are at {found})",
                path=path,
                found=found,
            ),
            hint=msg("start the newer version again, or restore a backup from before the update"),
        )
    try:
        command.upgrade(config, "head")
        connection.commit()
    except DBAPIError as error:
        raise (error.orig or error) from error
