"""Whom this node takes images from, and which images it has checked, in the state database."""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select

from archipelago.storage.database import Database
from archipelago.storage.records.signers import SignerRule
from archipelago.storage.schema import signers, verified
from archipelago.storage.stores.upserts import insert_missing, upsert


class SignerStore:
    """Reads and writes rules; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self) -> tuple[SignerRule, ...]:
        """Return all rules."""
        query = select(signers).order_by(signers.c.publisher)
        rows = await self._database.run(lambda connection: connection.execute(query).mappings().all())
        return tuple(SignerRule(**row) for row in rows)

    async def pin(self, publisher: str, signer: str) -> None:
        """Write a rule, in the place of another one."""
        await self._database.run(lambda connection: _pin(connection, publisher, signer))

    async def forget(self, publisher: str) -> None:
        """Remove a rule."""
        statement = delete(signers).where(signers.c.publisher == publisher)
        await self._database.run(lambda connection: connection.execute(statement))

    async def was_verified(self, digest: str, signer: str) -> bool:
        """Return whether a signature of an image was found good."""
        query = select(func.count()).where(verified.c.digest == digest, verified.c.signer == signer)
        return await self._database.run(lambda connection: bool(connection.execute(query).scalar()))

    async def settle(
        self, seen: Mapping[str, str], good: tuple[str, str] | None, pinned: tuple[str, str] | None
    ) -> bool:
        """Keep what was decided about an image, where the rules are those that were seen; return whether they are.

        `good` is a digest with the signer whose signature was found good, `pinned` a new rule.
        """

        def work(connection: Connection) -> bool:
            rules = {row.publisher: row.signer for row in connection.execute(select(signers))}
            if rules != seen:
                return False
            if good is not None:
                row = dict(zip(("digest", "signer"), good, strict=True))
                connection.execute(insert_missing(verified, row))
            if pinned is not None:
                _pin(connection, *pinned)
            return True

        return await self._database.run(work)


def _pin(connection: Connection, publisher: str, signer: str) -> None:
    row = {"publisher": publisher, "signer": signer, "since": time.time()}
    connection.execute(upsert(signers, row))
