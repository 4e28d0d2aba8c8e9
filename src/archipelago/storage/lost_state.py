"""A state database that is gone while what it knows of is there: a first start would take the data for its own.

With the database went who has which user ids, which volumes were made, what is installed and who may log in. One in
which there is nothing any more is as good as gone: that is what a full disk, a damaged file system or a mistaken copy
leaves. Blocking.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.support.texts.text import msg

_KNOWS = "SELECT 1 FROM (SELECT app FROM slots UNION ALL SELECT app FROM apps) LIMIT 1"
"""Of an app with data, the user ids are known for as long as it is there; all versions have these tables."""


def refuse_lost_database(layout: Layout) -> None:
    """Raise `NodeError` where apps have data and no database is there, or an empty one."""
    if not layout.apps.is_dir():
        return
    names = sorted(path.name for path in layout.apps.iterdir() if not path.name.startswith("."))
    apps = [name for name in names if layout.app(name).volumes.is_dir() or layout.app(name).kept.is_dir()]
    if not apps:
        return
    if not layout.database.exists():
        what = msg(
            "the state database {database} is missing, but there is data of apps: {apps}",
            database=layout.database,
            apps=", ".join(apps),
        )
        raise _lost(layout, what)
    if _knows_no_app(layout.database) and (found := [name for name in apps if _has_content(layout, name)]):
        what = msg(
            "the state database {database} is empty, but there is data of apps: {apps}",
            database=layout.database,
            apps=", ".join(found),
        )
        raise _lost(layout, what)


def _lost(layout: Layout, what: str) -> NodeError:
    hint = msg("restore the file from a backup; to start as a new node, move {apps} away first", apps=layout.apps)
    return NodeError(ErrorCode.DATA_MISSING, what, hint=hint)


def _knows_no_app(database: Path) -> bool:
    """Return whether a database has no tables, or no app in them; what cannot be read is not empty."""
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            tables: Sequence[tuple[str]] = connection.execute("SELECT name FROM sqlite_master").fetchall()
            return not tables or not connection.execute(_KNOWS).fetchall()
    except sqlite3.Error:
        return False  # whoever opens it next says what is wrong


def _has_content(layout: Layout, app: str) -> bool:
    """Return whether there is a volume of an app, or something that was kept of one."""
    for folder in (layout.app(app).volumes, layout.app(app).kept):
        try:
            if any(folder.iterdir()):
                return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False
