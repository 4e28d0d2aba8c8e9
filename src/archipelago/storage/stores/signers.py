"""Whom this node takes images from, and which images it has checked, in the state database."""

import time
from collections.abc import Mapping
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.signers import SignerRule
from archipelago.storage.stores.rows import insert_missing, upsert


class SignerStore:
    """Reads and writes rules; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self) -> tuple[SignerRule, ...]:
        """Return all rules."""
        rows = await self._database.rows("SELECT * FROM signers ORDER BY publisher")
        return tuple(SignerRule(**row) for row in rows)

    async def pin(self, publisher: str, signer: str) -> None:
        """Write a rule, in the place of another one."""
        await self._database.run(lambda connection: _pin(connection, publisher, signer))

    async def forget(self, publisher: str) -> None:
        """Remove a rule."""
        await self._database.change("DELETE FROM signers WHERE publisher = ?", publisher)

    async def was_verified(self, digest: str, signer: str) -> bool:
        """Return whether a signature of an image was found good."""
        query = "SELECT 1 FROM verified WHERE digest = ? AND signer = ?"
        return bool(await self._database.rows(query, digest, signer))

    async def settle(
        self, seen: Mapping[str, str], good: tuple[str, str] | None, pinned: tuple[str, str] | None
    ) -> bool:
        """Keep what was decided about an image, where the rules are those that were seen; return whether they are.

        `good` is a digest with the signer whose signature was found good, `pinned` a new rule.
        """

        def work(connection: Connection) -> bool:
            rules = dict(connection.execute("SELECT publisher, signer FROM signers"))
            if rules != seen:
                return False
            if good is not None:
                digest, signer = good
                insert_missing(connection, "verified", {"digest": digest, "signer": signer})
            if pinned is not None:
                _pin(connection, *pinned)
            return True

        return await self._database.run(work)


def _pin(connection: Connection, publisher: str, signer: str) -> None:
    row = {"publisher": publisher, "signer": signer, "since": time.time()}
    upsert(connection, "signers", row)
