"""Parts of the manifest about data: what a volume holds, which database that is, and whether an update has a way back.

`data_classes` in `container/data` makes a type of each class, so that a restore cannot be given what must not go back.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Argument, Key, Name
from archipelago.container.manifest.model.volume_paths import VolumePath


class DataClass(StrEnum):
    """What a volume holds, from which follows what may happen to it."""

    REBUILDABLE = "rebuildable"
    """What the app makes again without help, if only in days (a chain, an index). A repair may delete it."""
    FILES = "files"
    """Files that nothing makes again."""
    DATABASE = "database"
    """A database (see `database`), maybe with files beside it. Nothing makes it again, and a copy of its files while it
    runs may be damaged."""
    APPEND_PROOF = "append-proof"
    """What proves a claim to money (a static channel backup, `hsm_secret`): needs `funds`. No older copy ever replaces
    it."""
    NEVER_RESTORE = "never-restore"
    """State of which an older copy loses money (Lightning channels): needs `funds` and `exclusive`. No copy ever
    replaces it, so an update of the app has no way back."""

    @property
    def strictness(self) -> int:
        """Its place among the classes, from that of which least is lost to that of which most is."""
        return list(DataClass).index(self)


class SqliteDatabase(Part):
    """Databases of SQLite."""

    type: Literal["sqlite"]
    """Always `sqlite` for this kind of database."""
    paths: Annotated[tuple[VolumePath, ...], Field(min_length=1, max_length=20)]
    """Their files inside the volume, as the app sees it; templates over the options."""


class LmdbDatabase(Part):
    """Environments of LMDB."""

    type: Literal["lmdb"]
    """Always `lmdb` for this kind of database."""
    paths: Annotated[tuple[VolumePath, ...], Field(min_length=1, max_length=20)]
    """Their directories (or files) inside the volume, as the app sees it; templates over the options."""


class PostgresDatabase(Part):
    """A PostgreSQL server in a container of the app, with all that it holds."""

    type: Literal["postgres"]
    """Always `postgres` for this kind of database."""
    container: Name
    """Container in which the server runs."""
    user: Key = "postgres"
    """Superuser of the server."""
    secret: Key | None = None
    """Secret that holds the user's password; none where the server trusts its own socket."""


class MariadbDatabase(Part):
    """A MariaDB or MySQL server in a container of the app, with all that it holds."""

    type: Literal["mariadb"]
    """Always `mariadb` for this kind of database."""
    container: Name
    """Container in which the server runs."""
    user: Key = "root"
    """User of the server who may read and write everything."""
    secret: Key | None = None
    """Secret that holds the user's password; none where the server trusts its own socket."""


class CommandDatabase(Part):
    """Another database, whose own commands write all that it holds to one stream, and read that again."""

    type: Literal["command"]
    """Always `command` for this kind of database."""
    container: Name
    """Container in which the commands run."""
    dump: tuple[Argument, ...] = Field(min_length=1, max_length=50)
    """Program and arguments that write all data to the standard output while the app runs; not a template."""
    load: tuple[Argument, ...] = Field(min_length=1, max_length=50)
    """Program and arguments that replace all data by what they read from the standard input; not a template."""


Database = Annotated[
    SqliteDatabase | LmdbDatabase | PostgresDatabase | MariadbDatabase | CommandDatabase, Field(discriminator="type")
]


class Reversible(StrEnum):
    """Whether the version before can take over again after an update."""

    YES = "yes"
    """The version before reads what this one has written: nothing is lost by going back."""
    UNTIL_FIRST_WRITE = "until-first-write"
    """The version before may not read what this one has written: going back takes the data of before the update, and
    loses what was written since."""
    NO = "no"
    """There is no way back once this version has started."""
