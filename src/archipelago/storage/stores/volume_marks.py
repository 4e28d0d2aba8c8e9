"""Which directories the volumes of apps are, in the state database."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.volumes import Mark, StrictestClass
from archipelago.storage.stores.rows import upsert
from archipelago.storage.stores.volume_classes import read_classes

_PREFIX = "volume/"
"""Of the facts that are marks: `volume/APP/VOLUME`. No name of an app or volume has a slash."""


class VolumeMarks:
    """Reads and writes marks, which nobody else does. A mark lasts as long as the app's data."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._kept: dict[str, dict[str, Mark]] = {}
        """What was read, by app, until it changes: each start asks, and must not wait for what others write."""

    async def of(self, app: str) -> dict[str, Mark]:
        """Return the marks of an app's volumes, by name."""
        known = self._kept.get(app)
        if known is None:
            async with self._turn:
                known = self._kept[app] = await self._read(app)
        return dict(known)

    async def strictest(self, app: str) -> dict[str, StrictestClass]:
        """Return the strictest that versions of an app, installed or not, have said of its volumes, by name."""
        return (await self._database.run(read_classes)).get(app, {})

    async def keep(self, app: str, marks: Mapping[str, Mark]) -> None:
        """Write marks, in the place of earlier ones of the same volumes."""

        def work(connection: Connection) -> None:
            for volume, mark in marks.items():
                value = json.dumps({"inode": mark.inode, "filesystem": mark.filesystem})
                upsert(connection, "facts", {"key": _key(app, volume), "value": value})

        await self._change(app, work)

    async def forget(self, app: str, volumes: Collection[str] | None = None) -> None:
        """Forget the marks of some volumes of an app, or of all."""
        if volumes is None:
            volumes = await self.of(app)
        statement = "DELETE FROM facts WHERE key IN (SELECT value FROM json_each(?))"
        keys = json.dumps([_key(app, volume) for volume in volumes])
        await self._change(app, lambda connection: connection.execute(statement, (keys,)))

    async def _read(self, app: str) -> dict[str, Mark]:
        start = _key(app, "")
        rows = await self._database.rows("SELECT key, value FROM facts WHERE substr(key, 1, length(?1)) = ?1", start)
        return {key.removeprefix(start): _mark(json.loads(value)) for key, value in rows}

    async def _change(self, app: str, work: Callable[[Connection], object]) -> None:
        async with self._turn:
            self._kept.pop(app, None)
            await self._database.run(work)


def _mark(value: dict[str, int | None]) -> Mark:
    inode = value["inode"]
    assert inode is not None, "written with one"
    return Mark(inode, value.get("filesystem"))


def _key(app: str, volume: str) -> str:
    return f"{_PREFIX}{app}/{volume}"
