"""What the owner lets apps take of the host, in the state database."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields

from archipelago.storage.database import Database
from archipelago.storage.records.limits import OwnLimits
from archipelago.storage.stores.rows import upsert

_PREFIX = "limits/"
"""Of the facts that are limits: `limits/APP`."""
_KNOWN = frozenset(each.name for each in fields(OwnLimits))


class OwnLimitStore:
    """Reads and writes them, which nobody else does. They last as long as the app's data."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits: dict[str, OwnLimits] = {}

    @property
    def all(self) -> Mapping[str, OwnLimits]:
        """The limits of each app for which there are any, from memory."""
        return self._limits

    async def open(self) -> None:
        """Read them."""
        query = "SELECT key, value FROM facts WHERE substr(key, 1, length(?1)) = ?1"
        rows = await self._database.rows(query, _PREFIX)
        self._limits = {key.removeprefix(_PREFIX): _limits(json.loads(value)) for key, value in rows}

    async def keep(self, app: str, limits: OwnLimits) -> None:
        """Write the limits of an app, in the place of earlier ones."""
        if not limits:
            await self.forget(app)
            return
        row = {"key": _PREFIX + app, "value": json.dumps(asdict(limits))}
        await self._database.run(lambda connection: upsert(connection, "facts", row))
        self._limits = {**self._limits, app: limits}

    async def forget(self, app: str) -> None:
        """Delete the limits of an app."""
        await self._database.change("DELETE FROM facts WHERE key = ?", _PREFIX + app)
        self._limits = {each: limits for each, limits in self._limits.items() if each != app}


def _limits(value: Mapping[str, float | None]) -> OwnLimits:
    """Return stored limits; what a later version added is left out."""
    return OwnLimits(**{key: found for key, found in value.items() if key in _KNOWN})  # type: ignore[arg-type]
