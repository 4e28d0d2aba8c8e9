"""The configurations that each app has had: one row for each change, in the transaction of the change itself."""

import json
import time
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.revisions import Configuration, Revision
from archipelago.storage.stores.rows import insert

_KEPT = 200
"""Revisions of each app; the oldest go first."""


class RevisionStore:
    """Reads revisions; `append` writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, app: str) -> tuple[Revision, ...]:
        """Return the revisions of an app, the newest first."""
        return await self._database.run(lambda connection: _read(connection, app, _KEPT))


def append(connection: Connection, app: str, configuration: Configuration, why: str) -> None:
    """Write a revision, unless the newest one has the same configuration."""
    newest = _read(connection, app, 1)
    if newest and newest[0].configuration == configuration:
        return
    number = newest[0].number + 1 if newest else 1
    row = {
        "app": app,
        "number": number,
        "at": time.time(),
        "why": why,
        "version": configuration.version,
        "options": json.dumps(dict(configuration.options)),
        "choices": json.dumps(dict(configuration.choices)),
    }
    insert(connection, "revisions", row)
    connection.execute("DELETE FROM revisions WHERE app = ? AND number <= ?", (app, number - _KEPT))


def _read(connection: Connection, app: str, limit: int) -> tuple[Revision, ...]:
    query = "SELECT * FROM revisions WHERE app = ? ORDER BY number DESC LIMIT ?"
    return tuple(
        Revision(
            row["number"],
            row["at"],
            row["why"],
            Configuration(row["version"], json.loads(row["options"]), json.loads(row["choices"])),
        )
        for row in connection.execute(query, (app, limit))
    )
