"""Writes one row, from column to value. The names of tables and columns are this program's, never anybody's input."""

from collections.abc import Mapping
from sqlite3 import Connection, Cursor


def insert(connection: Connection, table: str, row: Mapping[str, object]) -> Cursor:
    """Write a new row."""
    return _insert(connection, table, row, "")


def insert_missing(connection: Connection, table: str, row: Mapping[str, object]) -> None:
    """Write a row, unless there is one with its primary key."""
    _insert(connection, table, row, "ON CONFLICT DO NOTHING")


def upsert(connection: Connection, table: str, row: Mapping[str, object]) -> None:
    """Write a row, in the place of the one with its primary key."""
    changes = ", ".join(f'"{column}" = excluded."{column}"' for column in row)
    _insert(connection, table, row, f"ON CONFLICT DO UPDATE SET {changes}")


def _insert(connection: Connection, table: str, row: Mapping[str, object], conflict: str) -> Cursor:
    columns, values = ", ".join(f'"{column}"' for column in row), ", ".join(f":{column}" for column in row)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({values}) {conflict}"  # noqa: S608 - see above
    return connection.execute(statement, dict(row))
