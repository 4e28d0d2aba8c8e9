"""What a message to the owner contains: levels, names, sentences and a link; no secret and no line of a log. Pure."""

import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from archipelago.api.system import Notice, Severity
from archipelago.storage.records.notice_channels import Announced

_MOST = 10
"""Notices in a message; more are only counted."""
_LONGEST = 300
"""Characters of a text. With all of them, a message stays below the 4096 bytes of ntfy in most languages."""
# Controls, and the characters that turn text around or are not seen.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_SPACES = re.compile(r" {2,}")


class ItemState(StrEnum):
    """What happened to a notice."""

    NEW = "new"
    RESOLVED = "resolved"


class Item(BaseModel):
    """One notice of a message."""

    model_config = ConfigDict(frozen=True)

    state: ItemState
    level: Severity
    app: str
    """Name of the app; empty where it is about none."""
    text: str
    consequence: str


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

    @property
    def title(self) -> str:
        """One line that says it all."""
        if not self.items:
            return "Test: notices of your node arrive here"
        first = self.items[0]
        others = len(self.items) + self.more - 1
        text = first.text[:1].upper() + first.text[1:]
        return f"{_SIGNS[first.state, first.level]}: {text}" + (f" (and {others} more)" if others else "")

    @property
    def text(self) -> str:
        """All of it, as plain text."""
        lines = [line for item in self.items for line in (*_lines(item), "")]
        if not self.items:
            lines = ["This is a test. Notices from the level that you chose will arrive here.", ""]
        if self.more:
            lines += [f"… and {self.more} more.", ""]
        return "\n".join([*lines, self.page or "Open the page of your node to see more."])


_SIGNS = {
    **{(ItemState.RESOLVED, level): "Resolved" for level in Severity},
    (ItemState.NEW, Severity.ERROR): "Urgent",
    (ItemState.NEW, Severity.WARNING): "Warning",
    (ItemState.NEW, Severity.NOTE): "Note",
    (ItemState.NEW, Severity.OK): "Note",
}


def compose(key: str, at: float, raised: Iterable[Notice], resolved: Iterable[Announced], page: str) -> OwnerMessage:
    """Return the message about notices that are new and that are gone."""
    items = [_new(each) for each in sorted(raised, key=lambda one: -one.level.rank)]
    items += [
        Item(state=ItemState.RESOLVED, level=level_of(each), app=each.app, text=each.text, consequence="")
        for each in resolved
    ]
    return OwnerMessage(id=key, at=at, items=tuple(items[:_MOST]), more=max(0, len(items) - _MOST), page=page)


def announcement(notice: Notice) -> Announced:
    """Return what is stored of a notice that was written to a channel."""
    return Announced(notice.level.value, one_line(notice.name), one_line(notice.text))


def level_of(announced: Announced) -> Severity:
    """Return the level of what was announced; another version may have written one that this one does not know."""
    return Severity(announced.level) if announced.level in frozenset(Severity) else Severity.NOTE


def one_line(text: str) -> str:
    """Return a text as one line of limited length, without what is not seen: names of apps are untrusted."""
    line = _SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip()
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _new(notice: Notice) -> Item:
    return Item(
        state=ItemState.NEW,
        level=notice.level,
        app=one_line(notice.name),
        text=one_line(notice.text),
        consequence=one_line(notice.consequence),
    )


def _lines(item: Item) -> list[str]:
    about = f"{item.app}: " if item.app and item.app not in item.text else ""
    found = [f"{_SIGNS[item.state, item.level]}: {about}{item.text}"]
    return [*found, f"If nothing is done: {item.consequence}"] if item.consequence else found
