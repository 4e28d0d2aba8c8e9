"""What the volumes of apps took on the disk, day by day, in the state database."""

import json
from collections.abc import Collection

from archipelago.storage.database import Database
from archipelago.storage.records.disk_use import DayOfDiskUse
from archipelago.storage.stores.rows import upsert

_PREFIX = "disk/"
"""Of the facts that are histories: `disk/APP`."""
_DAYS = 90
_WORTH_WRITING = 0.01
"""By how much, of itself, a number of the same day has to change."""


class DiskHistory:
    """Reads and writes it, which nobody else does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: dict[str, tuple[DayOfDiskUse, ...]] = {}

    async def open(self) -> None:
        """Read all of it."""
        query = "SELECT key, value FROM facts WHERE substr(key, 1, length(?1)) = ?1"
        rows = await self._database.rows(query, _PREFIX)
        self._days = {
            key.removeprefix(_PREFIX): tuple(DayOfDiskUse(day, size) for day, size in json.loads(value))
            for key, value in rows
        }

    def of(self, app: str) -> tuple[DayOfDiskUse, ...]:
        """Return what is known of an app, the oldest first."""
        return self._days.get(app, ())

    async def note(self, app: str, found: DayOfDiskUse) -> None:
        """Remember what an app took; of a day, the last number stays."""
        days = self.of(app)
        if days and days[-1].day == found.day and not _differ(days[-1].bytes, found.bytes):
            return
        # The clock may have been set back since.
        days = (*(each for each in days if each.day < found.day), found)[-_DAYS:]
        self._days[app] = days
        row = {"key": _PREFIX + app, "value": json.dumps([[each.day, each.bytes] for each in days])}
        await self._database.run(lambda connection: upsert(connection, "facts", row))

    async def keep_only(self, apps: Collection[str]) -> None:
        """Forget all other apps."""
        gone = self._days.keys() - set(apps)
        if gone:
            self._days = {app: days for app, days in self._days.items() if app not in gone}
            keys = json.dumps([_PREFIX + app for app in gone])
            await self._database.change("DELETE FROM facts WHERE key IN (SELECT value FROM json_each(?))", keys)


def _differ(before: int, now: int) -> bool:
    return abs(now - before) > _WORTH_WRITING * before
