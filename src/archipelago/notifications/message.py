"""What a message to the owner contains: levels, names, sentences and a link; no secret and no line of a log. Pure."""

import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from archipelago.api.system import Notice, Severity
from archipelago.notifications.stored_texts import stored_text, text_to_store
from archipelago.storage.records.notice_channels import Announced
from archipelago.support.texts.text import Text
from archipelago.support.texts.translatable import Prose, Translatable

_MOST = 10
"""Notices in a message; more are only counted."""
_LONGEST = 300
"""Characters of a text, and of each of its parameters: most messages stay below the 4096 bytes of ntfy."""
# Controls, and the characters that turn text around or are not seen.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_SPACES = re.compile(r" {2,}")


class ItemState(StrEnum):
    """What happened to a notice."""

    NEW = "new"
    RESOLVED = "resolved"


class Item(Translatable):
    """One notice of a message."""

    model_config = ConfigDict(frozen=True)

    state: ItemState
    level: Severity
    app: str
    """Name of the app; empty where it is about none."""
    text: Prose
    consequence: Prose


class OwnerMessage(BaseModel):
    """One message."""

    model_config = ConfigDict(frozen=True)

    id: str
    """The same at each attempt, so that a receiver knows a repetition."""
    at: float
    """When it was written: seconds since 1970."""
    items: tuple[Item, ...]
    """The most serious first; none for a test."""
    more: int = 0
    """Notices that have no place in it."""
    page: str = ""
    """Address of the node's page in the local network; empty where it has none."""

    @property
    def level(self) -> Severity:
        """The highest level of what is new; a note where all is resolved, and for a test."""
        levels = [item.level for item in self.items if item.state is ItemState.NEW]
        return max(levels, key=lambda level: level.rank, default=Severity.NOTE)


def compose(key: str, at: float, raised: Iterable[Notice], resolved: Iterable[Announced], page: str) -> OwnerMessage:
    """Return the message about notices that are new and that are gone."""
    items = [_new(each) for each in sorted(raised, key=lambda one: -one.level.rank)]
    items += [
        Item(state=ItemState.RESOLVED, level=level_of(each), app=each.app, text=stored_text(each.text), consequence="")
        for each in resolved
    ]
    return OwnerMessage(id=key, at=at, items=tuple(items[:_MOST]), more=max(0, len(items) - _MOST), page=page)


def announcement(notice: Notice) -> Announced:
    """Return what is stored of a notice that was written to a channel."""
    return Announced(notice.level.value, one_line(notice.name), text_to_store(_clean(notice.text)))


def level_of(announced: Announced) -> Severity:
    """Return the level of what was announced; another version may have written one that this one does not know."""
    return Severity(announced.level) if announced.level in frozenset(Severity) else Severity.NOTE


def one_line(text: str) -> str:
    """Return a text as one line of limited length, without what is not seen: names of apps are untrusted."""
    line = _SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip()
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _clean(text: str) -> str:
    """Return a text of which each part is one line, and which can still be translated."""
    if not isinstance(text, Text):
        return one_line(text)
    return Text(text.key, {name: _clean(value) for name, value in text.parameters.items()})


def _new(notice: Notice) -> Item:
    return Item(
        state=ItemState.NEW,
        level=notice.level,
        app=one_line(notice.name),
        text=_clean(notice.text),
        consequence=_clean(notice.consequence),
    )
