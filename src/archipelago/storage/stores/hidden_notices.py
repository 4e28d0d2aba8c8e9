"""The notices that the owner has hidden."""

import json

from archipelago.storage.database import Database
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.stores.rows import upsert


class HiddenNotices:
    """Reads and writes them; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Hidden]:
        """Return them by the id of the notice."""
        rows = await self._database.rows("SELECT * FROM hidden_notices")
        return {
            row["id"]: Hidden(_how(row["muted"], row["until"]), row["said"], row["at"], row["until"]) for row in rows
        }

    async def hide(self, notice: str, hidden: Hidden) -> None:
        """Hide one, in the place of how it was hidden before."""
        muted = hidden.how is Hiding.MUTED
        row = {"id": notice, "muted": muted, "said": hidden.said, "at": hidden.at, "until": hidden.until}
        await self._database.run(lambda connection: upsert(connection, "hidden_notices", row))

    async def show(self, *notices: str) -> None:
        """Bring some back."""
        statement = "DELETE FROM hidden_notices WHERE id IN (SELECT value FROM json_each(?))"
        await self._database.change(statement, json.dumps(notices))


def _how(muted: bool, until: float | None) -> Hiding:
    if muted:
        return Hiding.MUTED
    return Hiding.ACKNOWLEDGED if until is None else Hiding.REMINDED
