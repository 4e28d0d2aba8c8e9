"""What the node says of updates that it installs by itself."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from archipelago.support.texts.translatable import Prose, Translatable
from archipelago.support.view import View

Hour = Annotated[int, Field(strict=True, ge=0, le=23)]


class AutomaticUpdateView(Translatable, View):
    """Whether updates of an app are installed by themselves, and what came of that."""

    app: str
    on: bool
    """Whether its owner wants that."""
    from_hour: Hour
    """Hour of the local time from which on they are installed."""
    to_hour: Hour
    """Hour until which they are."""
    obstacle: Prose = ""
    """Why the update that the catalog has is not installed by itself; empty where it will be, or there is none."""
    tried: str = ""
    """Newest version that the node started to install by itself; it does not start that again."""
    failed: bool = False
    """Whether that version did not work, so that the version before came back."""
    before: str = ""
    """Version that it replaced; empty where it was not installed."""
    at: datetime | None = None
    """When it was installed; null where it was not."""
    recent: bool = False
    """Whether that was within a week of now, by the wall clock."""


class UpdateHoursView(View):
    """The hours in which the node installs updates by itself."""

    from_hour: Hour
    """Hour of the local time from which on they are installed."""
    to_hour: Hour
    """Hour until which they are; one before `from_hour` is of the next morning."""
    now: datetime
    """The node's local time."""
