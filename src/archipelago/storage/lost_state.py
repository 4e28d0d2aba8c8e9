"""A state database that is gone while what it knows of is there: a first start would take the data for its own.

With the database went who has which user ids, which volumes were made, what is installed and who may log in. Blocking.
"""

from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.support.texts.text import msg


def refuse_lost_database(layout: Layout) -> None:
    """Raise `NodeError` where apps have data and no database is there."""
    if layout.database.exists() or not layout.apps.is_dir():
        return
    names = sorted(path.name for path in layout.apps.iterdir() if not path.name.startswith("."))
    apps = [name for name in names if layout.app(name).volumes.is_dir() or layout.app(name).kept.is_dir()]
    if apps:
        raise NodeError(
            ErrorCode.DATA_MISSING,
            msg(
                "the state database {database} is missing, but there is data of apps: {apps}",
                database=layout.database,
                apps=", ".join(apps),
            ),
            hint=msg(
                "restore the file from a backup; to start as a new node, move {apps} away first", apps=layout.apps
            ),
        )
