"""Parts of the manifest about what an app has on disk: its volumes, what rules it out, and what repairs it."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from archipelago.container.manifest.model.data import Database, DataClass
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Argument, Bytes, Key, LongText, Name, Scalar, ShortText
from archipelago.container.manifest.model.volume_paths import Paths, VolumePath

_EXPORT = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z][a-z0-9_]*$"


class SizeWhen(Part):
    """Size of a volume under certain options of the app."""

    when: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that they all have."""
    disk: Bytes
    """Expected size then."""


class Volume(Part):
    """A directory that outlives its containers. Those that share it run as the same user."""

    replaced: ClassVar[Mapping[str, str]] = {
        "backup": "'data': files (it was `include`), rebuildable (`exclude`) or never-restore (`never`), among others"
    }
    data: DataClass
    """What it holds."""
    database: Database | None = None
    """Which database it holds; needed with `data: database`, and only there."""
    disk: Bytes = 0
    """Expected size, shown before installation."""
    disk_when: tuple[SizeWhen, ...] = Field(default=(), max_length=20)
    """Expected size where it depends on options; the first that applies counts, and `disk` where none does."""
    exclusive: bool = False
    """Whether only one container may ever have it mounted at a time."""
    funds: bool = False
    """Whether it holds keys to money: a removal of the app with its data keeps it aside, until its owner deletes it."""
    stream: VolumePath | None = None
    """File in it that is copied to other places each time it changes (a static channel backup): only with
    `data: append-proof`. A template over the options."""
    per: Annotated[str, StringConstraints(pattern=_EXPORT, max_length=81)] | None = None
    """Value of a provider to which the data belongs, such as `bitcoin-rpc.network` (an interface of `requires`, and one
    of its `exports`): for each value there is a directory of its own, and one that was left is found again."""

    @model_validator(mode="after")
    def _names_its_database(self) -> Self:
        if (self.database is not None) != (self.data is DataClass.DATABASE):
            raise ValueError("'database' and 'data: database' belong together: give both or neither")
        if self.stream is not None and self.data is not DataClass.APPEND_PROOF:
            raise ValueError("'stream' is for a volume with 'data: append-proof' alone")
        return self


class DiskRule(Part):
    """A rule about options and files: where all of `when` hold and the files are so, the options are refused.

    It is checked before options change, and before an app is installed over data that is there.
    """

    when: dict[Key, Scalar] = Field(min_length=1)
    """Options and the values that make the rule apply."""
    volume: Name
    """Volume in which the files are."""
    present: Paths = Field(min_length=1)
    """Paths that must all be there for the rule to apply; each is a template over the options, as they would be."""
    absent: Paths = ()
    """Paths that must all be missing."""
    because: ShortText
    """Reason, shown to the owner when the rule is broken."""
    repair: Key | None = None
    """Repair after which the rule does not apply any longer; it is named to the owner."""


class Repair(Part):
    """A repair that the owner can run when the app does not come up. The app stops first, and starts at the end."""

    label: ShortText
    """Name shown to the owner."""
    description: LongText
    """What it does, and what it costs."""
    signs: Annotated[tuple[ShortText, ...], Field(max_length=20)] = ()
    """Texts that suggest this repair where the app fails: parts of its last log lines or of the reason."""
    arguments: dict[Name, Annotated[tuple[Argument, ...], Field(min_length=1, max_length=20)]] = Field(default={})
    """By container, arguments that are added to `command` for the next start alone."""
    set_aside: dict[Name, Paths] = Field(default={})
    """By volume, paths that are renamed, so that the app does not find them; nothing is deleted."""
    discard: dict[Name, Paths] = Field(default={})
    """By volume, paths that are deleted since the app makes them again; only of volumes with `data: rebuildable`. `.`
    stands for all that is in the volume."""
    copies: dict[Name, VolumePath] = Field(default={})
    """By volume with `stream`, a folder in it that gets all copies of that file which the node has kept, for the app to
    read at its next start. A template over the options."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.arguments or self.set_aside or self.discard or self.copies):
            raise ValueError("the repair does nothing: give 'arguments', 'set_aside', 'discard' or 'copies'")
        return self
