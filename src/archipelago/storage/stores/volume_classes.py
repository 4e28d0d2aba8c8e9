"""Rows of what versions of apps have said of their volumes: no later version makes it less strict. Blocking."""

from collections.abc import Iterable
from sqlite3 import Connection

from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.volumes import StrictestClass, class_named, strictest_of, with_declared
from archipelago.storage.stores.rows import upsert


def read_classes(connection: Connection) -> dict[str, dict[str, StrictestClass]]:
    """Return app -> volume -> the strictest that was said of it."""
    found: dict[str, dict[str, StrictestClass]] = {}
    for row in connection.execute("SELECT * FROM volume_classes"):
        known = StrictestClass(class_named(row["data"]), bool(row["funds"]))
        found.setdefault(row["app"], {})[row["volume"]] = known
    return found


def remember_classes(connection: Connection, records: Iterable[AppRecord]) -> None:
    """Write what the packages of apps say of their volumes, where it is stricter than what is known.

    A record has more to say where it comes from a backup, which another node may have made.
    """
    known = read_classes(connection)
    for record in records:
        before = known.get(record.app, {})
        brought = strictest_of(before, record.strictest)
        for volume, each in with_declared(brought, record.package.manifest.volumes).items():
            if before.get(volume) != each:
                row = {"app": record.app, "volume": volume, "data": each.data.value, "funds": each.funds}
                upsert(connection, "volume_classes", row)


def forget_classes(connection: Connection, app: str) -> None:
    """Forget what was said of the volumes of an app; only once none of its files is left."""
    connection.execute("DELETE FROM volume_classes WHERE app = ?", (app,))
