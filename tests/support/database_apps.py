"""Apps with a real database server, made of Debian's packages: PostgreSQL and MariaDB."""

from pathlib import Path

from support.tiny_apps import TCP, write_app

USERS = "postgres:x:1000:1000::/data:/bin/sh\n"
POSTGRES = """#!/usr/bin/busybox sh
set -e
[ -s /data/pg/PG_VERSION ] || {
  initdb -D /data/pg -U postgres --auth=trust --no-sync
  echo 'host all all all trust' >>/data/pg/pg_hba.conf
  echo "CREATE ROLE app LOGIN PASSWORD 'a'; CREATE DATABASE app OWNER app" >/tmp/first.sql
  busybox sed 's/$/;/' /tmp/first.sql | busybox tr ';' '\\n' | while read -r line; do
    [ -z "$line" ] || echo "$line" | postgres --single -D /data/pg postgres >/dev/null
  done
}
exec postgres -D /data/pg -k /tmp -c 'listen_addresses=*'
"""
MARIADB = """#!/usr/bin/busybox sh
set -e
echo "CREATE USER IF NOT EXISTS app@'%'; GRANT ALL ON *.* TO app@'%';" >/tmp/first.sql
[ -d /data/db/mysql ] || mariadb-install-db --datadir=/data/db --auth-root-authentication-method=normal --skip-test-db
exec mariadbd --datadir=/data/db --socket=/tmp/db.sock --bind-address=0.0.0.0 --pid-file=/tmp/pid \\
  --init-file=/tmp/first.sql
"""
_APP = """volumes:
  data: {{data: database, database: {{type: {kind}, container: main, user: {user}}}}}"""
_HEALTH = "mounts: [{{volume: data, path: /data}}]\n    environment: {{{environment}}}\n    {tcp}"


def write_postgres(folder: Path, app: str, version: str = "1.0") -> None:
    """Write an app that is a PostgreSQL server with a database `app`."""
    environment = "PATH: /usr/lib/postgresql/15/bin:/usr/bin, PGHOST: /tmp, LC_ALL: C.UTF-8"
    _write(folder, app, POSTGRES, "postgres", "postgres", "postgresql-15", environment, 5432, version)


def write_mariadb(folder: Path, app: str) -> None:
    """Write an app that is a MariaDB server."""
    packages = "mariadb-server, mariadb-client"
    _write(folder, app, MARIADB, "mariadb", "root", packages, "MYSQL_UNIX_PORT: /tmp/db.sock", 3306, "1.0")


def _write(
    folder: Path, app: str, start: str, kind: str, user: str, packages: str, environment: str, port: int, version: str
) -> None:
    health = _HEALTH.format(environment=environment, tcp=TCP.replace("8000", str(port)).replace("5s", "60s"))
    write_app(
        folder,
        app,
        command="[sh, /start]",
        health=health,
        packages=f"busybox-static, dash, {packages}]"
        ", files: [{source: files/start, path: /start}, {source: files/passwd, path: /etc/passwd}",
        more=_APP.format(kind=kind, user=user),
        version=version,
        grace="30s",
    )
    files = folder / app / "files"
    files.mkdir(exist_ok=True)
    (files / "start").write_text(start)
    (files / "passwd").write_text(USERS)
