"""What the node knows of the leases of states, in the state database. Nothing of it is ever forgotten."""

import json
from collections.abc import Iterable
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.leases import Claim, ClaimLedger
from archipelago.storage.stores.rows import upsert

_PREFIX = "lease/"
"""Of the facts that are ledgers: `lease/APP/VOLUME`. No name of an app or volume has a slash."""


class LeaseLedgers:
    """Reads and writes the ledgers of volumes, which nobody else does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, app: str, volume: str) -> ClaimLedger:
        """Return what is known of a volume, or of a part of one (`VOLUME.PART`)."""
        rows = await self._database.rows("SELECT value FROM facts WHERE key = ?", _key(app, volume))
        return ledger_from_json(rows[0][0]) if rows else ClaimLedger()

    async def write(self, app: str, volume: str, ledger: ClaimLedger) -> None:
        """Write what is known of a volume; it is on the disk when this returns."""
        value = ledger_to_json(ledger)

        def work(connection: Connection) -> None:
            upsert(connection, "facts", {"key": _key(app, volume), "value": value})

        await self._database.run(work)


def ledger_to_json(ledger: ClaimLedger) -> str:
    """Return a ledger as the database keeps it."""
    value = {
        "claims": _texts(ledger.claims),
        "pending": ledger.pending.text if ledger.pending is not None else None,
        "filled": sorted(ledger.filled),
        "sighted": _texts(ledger.sighted),
        "accepted": _texts(ledger.accepted),
        "granted": ledger.granted,
    }
    return json.dumps(value)


def ledger_from_json(text: str) -> ClaimLedger:
    """Return the ledger that `ledger_to_json` wrote."""
    found = json.loads(text)
    return ClaimLedger(
        claims=frozenset(map(Claim.read, found["claims"])),
        pending=Claim.read(found["pending"]) if found["pending"] is not None else None,
        filled=frozenset(found["filled"]),
        sighted=frozenset(map(Claim.read, found["sighted"])),
        accepted=frozenset(map(Claim.read, found["accepted"])),
        granted=found["granted"],
    )


def _texts(claims: Iterable[Claim]) -> list[str]:
    return sorted(each.text for each in claims)


def _key(app: str, volume: str) -> str:
    return f"{_PREFIX}{app}/{volume}"
