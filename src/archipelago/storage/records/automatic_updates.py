"""Of which apps the node installs updates by itself, and what came of that. Plain values."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from archipelago.storage.records.stored import Stored
from archipelago.support.texts.translatable import Prose, Translatable


class AutomaticUpdate(Translatable, Stored):
    """An app of which updates are installed by themselves."""

    installed_at: float
    """Of the installation that it was switched on for (`AppRecord`): a later one starts without it."""
    tried: str = ""
    """Newest version that the node started to install by itself; it does not start that again."""
    operation: str = ""
    """Operation that does it, as long as its end was not looked at."""
    failure: Prose = ""
    """Why that version did not stay."""
    before: str = ""
    """Version that it replaced."""
    at: float = 0.0
    """When it was installed, in seconds since 1970; 0 where it was not."""


class UpdateHours(Stored):
    """The hours of the local time in which updates are installed by themselves, as the owner chose them."""

    start: Annotated[int, Field(ge=0, le=23)]
    end: Annotated[int, Field(ge=0, le=23)]


class AutomaticUpdateRecords(Stored):
    """What is stored of it for the whole node."""

    apps: Mapping[str, AutomaticUpdate] = Field(default={})

    def with_app(self, app: str, record: AutomaticUpdate | None) -> "AutomaticUpdateRecords":
        """Return it with another record of an app; None: without one."""
        others = {name: each for name, each in self.apps.items() if name != app}
        return self.model_copy(update={"apps": {**others, **({app: record} if record is not None else {})}})
