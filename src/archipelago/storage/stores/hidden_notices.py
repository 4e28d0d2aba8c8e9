"""The notices that the owner has hidden."""

import time

from sqlalchemy import delete, select

from archipelago.storage.database import Database
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.schema import hidden_notices
from archipelago.storage.stores.upserts import upsert


class HiddenNotices:
    """Reads and writes them; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Hidden]:
        """Return them by the id of the notice."""
        query = select(hidden_notices)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: Hidden(Hiding.MUTED if row["muted"] else Hiding.ACKNOWLEDGED, row["said"]) for row in rows}

    async def hide(self, notice: str, hidden: Hidden) -> None:
        """Hide one, in the place of how it was hidden before."""
        row = {"id": notice, "muted": hidden.how is Hiding.MUTED, "said": hidden.said, "at": time.time()}
        statement = upsert(hidden_notices, row)
        await self._database.run(lambda connection: connection.execute(statement))

    async def show(self, *notices: str) -> None:
        """Bring some back."""
        statement = delete(hidden_notices).where(hidden_notices.c.id.in_(notices))
        await self._database.run(lambda connection: connection.execute(statement))
