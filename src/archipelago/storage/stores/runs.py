"""What is known of the runs of containers, kept for the next life of the daemon."""

from collections.abc import Mapping
from datetime import UTC, datetime
from sqlite3 import Connection

from archipelago.storage.database import Database
from archipelago.storage.records.runs import RunRecord
from archipelago.storage.stores.rows import insert


class RunStore:
    """Reads and writes it; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, dict[str, RunRecord]]:
        """Return what was kept, by app and container."""
        rows = await self._database.rows("SELECT * FROM runs")
        found: dict[str, dict[str, RunRecord]] = {}
        for row in rows:
            since = datetime.fromtimestamp(row["since"], UTC)
            record = RunRecord(row["run"], row["state"], row["reason"], since)
            found.setdefault(row["app"], {})[row["container"]] = record
        return found

    async def keep(self, known: Mapping[str, Mapping[str, RunRecord]]) -> None:
        """Keep this, by app and container, in the place of what was kept of these apps before."""
        rows = [
            {
                "app": app,
                "container": container,
                "run": each.run,
                "state": each.state,
                "reason": each.reason,
                "since": each.since.timestamp() if each.since is not None else 0.0,
            }
            for app, containers in known.items()
            for container, each in containers.items()
        ]

        def work(connection: Connection) -> None:
            connection.executemany("DELETE FROM runs WHERE app = ?", ((app,) for app in known))
            for row in rows:
                insert(connection, "runs", row)

        await self._database.run(work)
