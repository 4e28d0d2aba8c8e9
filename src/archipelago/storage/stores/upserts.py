"""Statements that write a row wherever one with the same primary key may be there already."""

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import Insert, insert


def upsert(table: Table, row: Mapping[str, object]) -> Insert:
    """Return what writes a row, in the place of the one with its primary key."""
    return insert(table).values(row).on_conflict_do_update(index_elements=table.primary_key.columns, set_=row)


def insert_missing(table: Table, row: Mapping[str, object]) -> Insert:
    """Return what writes a row, unless there is one with its primary key."""
    return insert(table).values(row).on_conflict_do_nothing()
