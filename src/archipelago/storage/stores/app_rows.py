"""Rows of installed apps and their slots: read and written within one transaction. Blocking."""

import json
from collections.abc import Mapping
from dataclasses import replace
from sqlite3 import Connection, Row

from archipelago.container.manifest.package import AppPackage, package_to_json
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.revisions import Configuration
from archipelago.storage.records.volumes import StrictestClass
from archipelago.storage.stores.revisions import append
from archipelago.storage.stores.rows import insert, upsert
from archipelago.storage.stores.stored_packages import StoredPackages
from archipelago.storage.stores.volume_classes import read_classes, remember_classes
from archipelago.support.texts.text import msg

MAX_SLOTS = 255
"""UID ranges of 65,536 ids that the service user's subordinate ids hold, less one for the images' own."""
_DESIRED = frozenset(each.value for each in Desired)
_STAND_IN = Desired.RUNNING
"""For a value of another version. An app with a problem that is to run is left as it is; otherwise it is stopped."""


def read_apps(connection: Connection, packages: StoredPackages) -> dict[str, AppRecord]:
    """Return all installed apps."""
    query = "SELECT apps.*, slots.slot FROM apps JOIN slots ON slots.app = apps.app ORDER BY apps.app"
    rows = connection.execute(query).fetchall()
    read = packages.read({row["app"]: row["package"] for row in rows})
    classes = read_classes(connection)
    return {row["app"]: _app(row, read[row["app"]], classes.get(row["app"], {})) for row in rows}


def _app(row: Row, package: AppPackage, strictest: Mapping[str, StrictestClass]) -> AppRecord:
    desired = row["desired"]
    if desired not in _DESIRED:
        package = replace(
            package,
            problem=msg("another version of Archipelago stored that it is to be {desired}", desired=f"{desired!r}"),
        )
    return AppRecord(
        app=row["app"],
        package=package,
        desired=Desired(desired) if desired in _DESIRED else _STAND_IN,
        slot=row["slot"],
        options=json.loads(row["options"]),
        choices=json.loads(row["choices"]),
        ports=json.loads(row["ports"]),
        lan=json.loads(row["lan"]),
        tor=json.loads(row["tor"]),
        installed_at=row["installed_at"],
        strictest=strictest,
    )


def take_slot(connection: Connection, app: str) -> int:
    """Return the app's UID slot, giving it the lowest free one where it has none. Raises `NodeError`."""
    taken = dict(connection.execute("SELECT app, slot FROM slots"))
    if app in taken:
        return int(taken[app])
    free = next((slot for slot in range(MAX_SLOTS) if slot not in taken.values()), None)
    if free is None:
        raise NodeError(
            ErrorCode.UNRESOLVABLE,
            msg("this node already holds the data of {most} apps, the most it can keep apart", most=MAX_SLOTS),
            hint=msg("remove an app together with its data first"),
        )
    insert(connection, "slots", {"app": app, "slot": free})
    return free


def save_app(connection: Connection, record: AppRecord, why: str) -> None:
    """Write an app, its revision, and what it says of its volumes.

    Of a package with a problem, only what the owner wants of the app is written.
    """
    if record.package.problem:
        stored = connection.execute("SELECT desired FROM apps WHERE app = ?", (record.app,)).fetchone()
        if stored is not None and (record.desired is not _STAND_IN or stored["desired"] in _DESIRED):
            connection.execute("UPDATE apps SET desired = ? WHERE app = ?", (record.desired.value, record.app))
        return
    values = {
        "app": record.app,
        "package": package_to_json(record.package),
        "desired": record.desired.value,
        "options": json.dumps(dict(record.options), sort_keys=True),
        "choices": json.dumps(dict(record.choices), sort_keys=True),
        "ports": json.dumps(dict(record.ports), sort_keys=True),
        "lan": json.dumps(dict(record.lan), sort_keys=True),
        "tor": json.dumps(dict(record.tor), sort_keys=True),
        "installed_at": record.installed_at,
    }
    upsert(connection, "apps", values)
    remember_classes(connection, (record,))
    version = record.package.manifest.version
    append(connection, record.app, Configuration(version, record.options, record.choices), why)
