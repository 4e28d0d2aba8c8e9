"""How each account likes the page."""

import json
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from pydantic import ValidationError

from archipelago.storage.database import Database
from archipelago.storage.records.preferences import PreferenceRecord
from archipelago.storage.stores.rows import upsert


class PreferenceStore:
    """Reads and writes it; each call is one transaction. They are deleted with the account (`stores/accounts`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user: str) -> PreferenceRecord:
        """Return what an account has chosen."""
        return _record(await self._database.run(lambda connection: _stored(connection, user)))

    async def change(self, user: str, changes: Mapping[str, tuple[str, ...]]) -> PreferenceRecord | None:
        """Change what these fields say, and leave the others; None where the account is gone.

        Before the first account is made, the owner on the node's own socket has preferences as well.
        """

        def work(connection: Connection) -> dict[str, Any] | None:
            names = {name for (name,) in connection.execute("SELECT name FROM users")}
            if names and user not in names:
                return None
            value = {**_stored(connection, user), **{key: list(each) for key, each in changes.items()}}
            upsert(connection, "preferences", {"user": user, "value": json.dumps(value)})
            return value

        value = await self._database.run(work)
        return None if value is None else _record(value)


def _stored(connection: Connection, user: str) -> dict[str, Any]:
    """Return all that is stored, also what another version has written."""
    row = connection.execute("SELECT value FROM preferences WHERE user = ?", (user,)).fetchone()
    value = json.loads(row[0]) if row else {}
    return value if isinstance(value, dict) else {}


def _record(value: dict[str, Any]) -> PreferenceRecord:
    try:
        return PreferenceRecord.model_validate(value)
    except ValidationError:
        return PreferenceRecord()  # of a later version, which means something else by these words
