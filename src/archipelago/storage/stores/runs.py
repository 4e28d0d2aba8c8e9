"""What is known of the runs of containers, kept for the next life of the daemon."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from archipelago.api.health import Health, HealthState
from archipelago.storage.database import Database
from archipelago.storage.records.runs import Remembered
from archipelago.storage.schema import runs

_STATES = frozenset(state.value for state in HealthState)


class RunStore:
    """Reads and writes it; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, dict[str, Remembered]]:
        """Return what was kept, by app and container."""
        rows = await self._database.run(lambda connection: connection.execute(select(runs)).mappings().all())
        found: dict[str, dict[str, Remembered]] = {}
        for row in rows:
            if row["state"] not in _STATES:
                continue  # written by another version
            since = datetime.fromtimestamp(row["since"], UTC)
            health = Health(state=HealthState(row["state"]), reason=row["reason"], since=since)
            found.setdefault(row["app"], {})[row["container"]] = Remembered(row["run"], health)
        return found

    async def keep(self, app: str, known: Mapping[str, Remembered]) -> None:
        """Keep this of an app, in the place of what was kept before."""
        rows = [
            {
                "app": app,
                "container": container,
                "run": each.run,
                "state": each.health.state.value,
                "reason": each.health.reason,
                "since": each.health.since.timestamp() if each.health.since is not None else 0.0,
            }
            for container, each in known.items()
        ]

        def work(connection: Connection) -> None:
            connection.execute(delete(runs).where(runs.c.app == app))
            if rows:
                connection.execute(insert(runs), rows)

        await self._database.run(work)
