"""The tables of the state database: those of a new one, and the revision that they are at."""

import re
from pathlib import Path
from sqlite3 import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
_COMMENT = re.compile(r"--.*")


def newest_revision() -> str:
    """Return the revision of the newest migration: each file starts with its own, and they count upwards."""
    # Alembic would say so as well, but it is large.
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def revision(connection: Connection) -> str | None:
    """Return the revision of a database's tables; None where it is not known, or there are none."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchall():
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def create_tables(connection: Connection) -> None:
    """Make the tables of a new database, within the open transaction."""
    script = _COMMENT.sub("", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    for statement in script.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (newest_revision(),))
