"""Which commands in a container of an app write all that a database server holds, and read it again. Pure.

The password of the server is the first line of the input, and from there in the environment of the command alone: on no
command line, and in nothing that Podman stores.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from archipelago.container.manifest.model.data import CommandDatabase, MariadbDatabase, PostgresDatabase

ServerDatabase = PostgresDatabase | MariadbDatabase | CommandDatabase
"""A database whose server writes dumps."""

_PG_LOGIN = "PGOPTIONS='-c lc_messages=C -c client_min_messages=error'; export PGOPTIONS; "
_PG_DUMP = _PG_LOGIN + 'exec pg_dumpall --username="$1" --no-password --lock-wait-timeout=60000'
_PG_LOAD = _PG_LOGIN + (
    'exec psql --username="$1" --no-password --no-psqlrc --quiet --dbname=template1 --set=VERBOSITY=verbose --file=-'
)
_PG_OTHERS = b"FROM pg_database WHERE datname NOT IN ('template0', 'template1')"
_PG_EMPTY = (
    b"SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) " + _PG_OTHERS + b" AND datistemplate \\gexec\n"
    b"SELECT format('DROP DATABASE %I', datname) || CASE WHEN current_setting('server_version_num')::int >= 130000 "
    b"THEN ' WITH (FORCE)' ELSE '' END " + _PG_OTHERS + b" \\gexec\n"
    b"CREATE DATABASE postgres;\n"
)
"""What the image made of its own accord when it saw an empty volume must not be in the way of what comes back."""
_PG_ERROR = re.compile(r"\b(?:ERROR|FATAL|PANIC):  (?P<code>[0-9A-Z]{5}): (?P<text>.*)")
_DUPLICATE_OBJECT = "42710"
"""What a dump makes and the empty server has as well, such as the superuser (PostgreSQL's manual, appendix A)."""
_FIRST_OF = 'for each in {}; do command -v "$each" >/dev/null && exec "$each" --user="$1" {}; done; exit 127'
_MARIADB_DUMP = _FIRST_OF.format(
    "mariadb-dump mysqldump",
    "--all-databases --single-transaction --quick --routines --events --triggers --hex-blob --flush-privileges",
)
_MARIADB_LOAD = _FIRST_OF.format("mariadb mysql", "--batch")
_ASK = "IFS= read -r {0} && export {0} || exit 1; "


@dataclass(frozen=True, slots=True)
class DumpCommands:
    """How a server is dumped, and how a dump is loaded into one that holds nothing that is needed."""

    container: str
    secret: str | None
    """Secret of the app that is the first line of the input of both."""
    dump: tuple[str, ...]
    load: tuple[str, ...]
    suffix: str
    """Of the file with the dump, for people."""
    ending: bytes = b""
    """What is among the last bytes of a dump that is whole; nothing where only the exit code says so."""
    before: bytes = b""
    """Input of `load` before the dump."""
    tells_errors: bool = False
    """Whether `load` goes on after an error, which then only its output shows (`load_error`)."""

    def file(self, volume: str) -> str:
        """Return the name of the file with the dump of a volume's server."""
        return f"{volume}{self.suffix}"


def dump_commands(database: ServerDatabase) -> DumpCommands:
    """Return how a server is dumped and loaded."""
    match database:
        case PostgresDatabase():
            return DumpCommands(
                database.container,
                database.secret,
                _shell("PGPASSWORD", database.secret, _PG_DUMP, database.user),
                _shell("PGPASSWORD", database.secret, _PG_LOAD, database.user),
                suffix=".sql",
                ending=b"-- PostgreSQL database cluster dump complete",
                before=_PG_EMPTY,
                tells_errors=True,
            )
        case MariadbDatabase():
            return DumpCommands(
                database.container,
                database.secret,
                _shell("MYSQL_PWD", database.secret, _MARIADB_DUMP, database.user),
                _shell("MYSQL_PWD", database.secret, _MARIADB_LOAD, database.user),
                suffix=".sql",
                ending=b"-- Dump completed",
            )
        case CommandDatabase():
            return DumpCommands(database.container, None, database.dump, database.load, suffix=".dump")
        case _:
            assert_never(database)


def load_error(lines: Iterable[str]) -> str:
    """Return the first error in what `psql` wrote that is more than a role that was there before; empty without one."""
    for line in lines:
        found = _PG_ERROR.search(line)
        if found is not None and found["code"] != _DUPLICATE_OBJECT:
            return found["text"]
    return ""


def _shell(variable: str, secret: str | None, script: str, user: str) -> tuple[str, ...]:
    return "sh", "-c", (_ASK.format(variable) if secret is not None else "") + script, "sh", user
