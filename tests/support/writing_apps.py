"""Apps with data of six kinds that write all the time, and start only on whole data (`fixtures/writing_apps`)."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.checkout import TESTS
from support.harness import podman


@dataclass(frozen=True, slots=True)
class WritingKind:
    """A kind of data: what the manifest says of it, and what runs."""

    volume: str
    """Declaration of the volume, in YAML."""
    writer: str = ""
    """Packages of the container that writes, besides Python. Without any, it is what our own apps are built in."""
    server: str = ""
    """Packages of the container with the server; none where there is no such container."""
    start: str = ""
    """What the server starts with, a line of shell."""
    port: int = 8000
    environment: str = ""


USERS = "postgres:x:1000:1000::/data:/bin/sh\n"
POSTGRES = """#!/usr/bin/busybox sh
set -e
[ -s /data/pg/PG_VERSION ] || {
  initdb -D /data/pg -U postgres --auth=trust --no-sync
  echo 'host all all all trust' >>/data/pg/pg_hba.conf
}
exec postgres -D /data/pg -k /tmp -c 'listen_addresses=*'
"""
MARIADB = """#!/usr/bin/busybox sh
set -e
busybox mkdir -p /tmp/bin
busybox --install -s /tmp/bin
export PATH="$PATH:/tmp/bin"
echo "CREATE USER IF NOT EXISTS app@'%';" >/tmp/first.sql
echo "GRANT ALL ON *.* TO app@'%';" >>/tmp/first.sql
[ -d /data/db/mysql ] || mariadb-install-db --datadir=/data/db --auth-root-authentication-method=normal --skip-test-db
exec mariadbd --datadir=/data/db --socket=/tmp/db.sock --bind-address=0.0.0.0 --pid-file=/tmp/pid \\
  --init-file=/tmp/first.sql
"""
_IDLE = "#!/usr/bin/busybox sh\nexec busybox httpd -f -p 8000 -h /usr\n"
_DATABASE = "{{data: database, database: {{type: {}}}}}"
KINDS: Mapping[str, WritingKind] = {
    "sqlite": WritingKind(_DATABASE.format("sqlite, paths: [app.db]")),
    "files": WritingKind("{data: files}"),
    "lmdb": WritingKind(_DATABASE.format("lmdb, paths: [env]"), "python3-lmdb"),
    "postgres": WritingKind(
        _DATABASE.format("postgres, container: main"),
        "postgresql-client-15, perl-base",
        "postgresql-15",
        POSTGRES,
        5432,
        "PATH: /usr/lib/postgresql/15/bin:/usr/bin, PGHOST: /tmp, LC_ALL: C.UTF-8",
    ),
    "mariadb": WritingKind(
        _DATABASE.format("mariadb, container: main"),
        "mariadb-client-core",
        "mariadb-server-core, mariadb-client-core, mariadb-server",
        MARIADB,
        3306,
        "MYSQL_UNIX_PORT: /tmp/db.sock",
    ),
    "command": WritingKind(
        _DATABASE.format(
            "command, container: main, dump: [sqlite3, /data/app.db, .dump], "
            "load: [sh, -c, rm -f /data/app.db*; exec sqlite3 -bail /data/app.db]"
        ),
        "",
        "sqlite3",
        _IDLE,
    ),
}
_MANIFEST = """manifest: 1
id: {app}
name: {app}
version: "1.0"
summary: A test
description: A test
category: other
license: MIT
volumes:
  data: {volume}
  floor: {{data: files}}
containers:
{server}
  writer:
    build:
      type: packages
      packages: [python3{writer}]
    entrypoint: [/usr/bin/python3, /etc/writer.py, {kind}]
    files: [{{path: /etc/writer.py, template: files/writer.py}}]
    environment: {{LC_ALL: C.UTF-8, PYTHONUNBUFFERED: "1", WRITER_PAUSE: "{pause}"{environment}}}
    mounts: [{data}{{volume: floor, path: /floor}}]
    init: true
    {after}
    stop: {{grace: 20s}}
    health: {{probe: {{type: tcp, port: 8000}}, interval: 1s, start_timeout: 120s}}
"""
_SERVER = """  main:
    build:
      type: packages
      packages: [busybox-static, dash, {packages}]
      files:
        - {{source: files/start, path: /start}}
        - {{source: files/passwd, path: /etc/passwd}}
    entrypoint: [/usr/bin/busybox, sh, /start]
    environment: {{{environment}}}
    mounts: [{{volume: data, path: /data}}]
    init: true
    stop: {{grace: 60s}}
    health: {{probe: {{type: tcp, port: {port}}}, interval: 1s, start_timeout: 120s}}
"""


def write_writing_app(catalog: Path, app: str, kind: str, *, pause: float) -> None:
    """Write an app that writes data of a kind into a catalog, with so many seconds between two changes."""
    found, folder = KINDS[kind], catalog / app / "files"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(TESTS / "fixtures" / "writing_apps" / "writer.py", folder / "writer.py")
    (folder / "passwd").write_text(USERS)
    (folder / "start").write_text(found.start)
    server = _SERVER.format(packages=found.server, environment=found.environment, port=found.port)
    own = not found.server or kind == "command"
    text = _MANIFEST.format(
        app=app,
        kind=kind,
        pause=pause,
        volume=found.volume,
        server=server if found.server else "",
        writer=f", {found.writer}" if found.writer else "",
        environment=", PATH: /usr/lib/postgresql/15/bin:/usr/bin" if kind == "postgres" else "",
        data="{volume: data, path: /data}, " if own else "",
        after="after: [main]" if found.server else "",
    )
    (catalog / app / "manifest.yml").write_text(text)


def set_floor(app: str) -> None:
    """Have what an app has acknowledged until now be the least that each later backup has to bring back."""
    script = (
        "import os, shutil; shutil.copy('/tmp/acknowledged', '/floor/new'); os.rename('/floor/new', '/floor/floor')"
    )
    podman("exec", f"archipelago-{app}--writer", "python3", "-IS", "-c", script)
