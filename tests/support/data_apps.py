"""Apps with real data of five kinds, whose versions work or misbehave as they are told (`fixtures/data_apps`)."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from support.checkout import TESTS


class Behaviour(StrEnum):
    """What a version does."""

    WORK = "work"
    """Check that the data is of version 1, and serve."""
    NEXT = "next"
    """Migrate the data, and serve: a good update."""
    CRASH = "crash"
    """End at once."""
    MIGRATE_AND_CRASH = "migrate-and-crash"
    """Migrate the data, and end."""
    DIE_MIGRATING = "die-migrating"
    """Be killed in the middle of a migration."""
    CRASH_LATE = "crash-late"
    """Migrate the data, be healthy for ten seconds, and end."""
    SILENT = "silent"
    """Migrate the data, run, and never answer."""
    DELETE = "delete"
    """Delete all data, and end."""
    FILL = "fill"
    """Migrate the data, fill the disk, and end."""


@dataclass(frozen=True, slots=True)
class DataKind:
    """A kind of data: what the manifest says of it, and which programs it needs."""

    script: str
    """Its file in `fixtures/data_apps`."""
    volume: str
    """Declaration of the volume, in YAML."""
    packages: tuple[str, ...] = ()
    suite: str = "bookworm"


KINDS: Mapping[str, DataKind] = {
    "files": DataKind("files.sh", "{data: files}"),
    "SQLite": DataKind("sqlite.sh", "{data: database, database: {type: sqlite, paths: [app.db]}}", ("sqlite3",)),
    "LMDB": DataKind("lmdb.sh", "{data: database, database: {type: lmdb, paths: [env]}}", ("lmdb-utils",)),
    "PostgreSQL": DataKind(
        "postgres.sh",
        "{data: database, database: {type: postgres, container: main}}",
        ("postgresql-15", "dash", "libc-bin"),
    ),
    "Bitcoin wallet": DataKind("bitcoin.sh", "{data: files, funds: true, exclusive: true}", ("bitcoin-knots",), "sid"),
}
_MANIFEST = """manifest: 1
id: app
name: App
version: {version}
summary: A test
description: A test
category: other
license: MIT
volumes: {{data: {volume}}}
secrets: {{key: {{}}}}
reversible: "{reversible}"
containers:
  main:
    {image}
    entrypoint: [{entrypoint}]
    command: ["{major}", {behaviour}]
    mounts: [{{volume: data, path: /data}}]
    tmpfs: [{{path: /tmp, size: 64MiB}}]
    init: true
    stop: {{grace: 60s}}
    resources: {{memory: 1GiB}}
    health: {{probe: {{type: tcp, port: 8000}}, interval: 1s, start_timeout: 20s}}
"""
_RECIPE = """build:
      type: packages
      suite: {suite}
      packages: [{packages}]
      files:
        - {{source: files/app.sh, path: /usr/bin/app, executable: true}}
        - {{source: files/{script}, path: /usr/lib/kind.sh}}"""


def write_data_app(
    catalog: Path,
    kind: DataKind,
    behaviour: Behaviour,
    *,
    version: str,
    entrypoint: str = "/usr/bin/app",
    image: str | None = None,
    reversible: str = "yes",
) -> None:
    """Write a version of the app "app" into a catalog; with the image of its kind, or another one."""
    folder = catalog / "app"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for name in ("app.sh", kind.script):
        shutil.copy(TESTS / "fixtures" / "data_apps" / name, folder / "files" / name)
    packages = ", ".join(("busybox-static", *kind.packages))
    recipe = _RECIPE.format(suite=kind.suite, packages=packages, script=kind.script)
    text = _MANIFEST.format(
        version=version,
        volume=kind.volume,
        image=image or recipe,
        entrypoint=entrypoint,
        major=version.partition(".")[0],
        behaviour=behaviour,
        reversible=reversible,
    )
    (folder / "manifest.yml").write_text(text)
