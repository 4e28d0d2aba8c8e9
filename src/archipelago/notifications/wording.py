"""Writes a message in the language of its receiver. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from archipelago.api.system import Severity
from archipelago.notifications.message import Item, ItemState, OwnerMessage, one_line
from archipelago.support.texts.text import msg
from archipelago.support.texts.translation import Language, translated


@dataclass(frozen=True, slots=True)
class WordedItem:
    """One notice, as it is read."""

    item: Item
    text: str
    consequence: str


@dataclass(frozen=True, slots=True)
class WordedMessage:
    """A message, as it is read."""

    message: OwnerMessage
    language: Language
    title: str
    """One line that says it all."""
    text: str
    """All of it, as plain text."""
    items: tuple[WordedItem, ...]


def worded(message: OwnerMessage, language: Language, translations: Mapping[str, str]) -> WordedMessage:
    """Return a message in a language, by its translations; what has none is in English."""
    say = partial(translated, translations=translations)
    items = tuple(WordedItem(each, one_line(say(each.text)), one_line(say(each.consequence))) for each in message.items)
    if not items:
        title = say(msg("Test: notices of your node arrive here"))
        lines = [say(msg("This is a test. Notices from the level that you chose will arrive here.")), ""]
    else:
        first, others = items[0], len(items) + message.more - 1
        title = say(_labelled(first.item, first.text[:1].upper() + first.text[1:]))
        title = say(msg("{text} (and {count} more)", text=title, count=others)) if others else title
        lines = [say(line) for each in items for line in (*_lines(each), "")]
    if message.more:
        lines += [say(msg("… and {count} more.", count=message.more)), ""]
    lines.append(message.page or say(msg("Open the page of your node to see more.")))
    return WordedMessage(message, language, title, "\n".join(lines), items)


def _lines(worded_item: WordedItem) -> list[str]:
    item, text, consequence = worded_item.item, worded_item.text, worded_item.consequence
    about = f"{item.app}: " if item.app and item.app not in text else ""
    found = [_labelled(item, about + text)]
    return [*found, msg("If nothing is done: {consequence}", consequence=consequence)] if consequence else found


def _labelled(item: Item, text: str) -> str:
    if item.state is ItemState.RESOLVED:
        return msg("Resolved: {text}", text=text)
    match item.level:
        case Severity.ERROR:
            return msg("Urgent: {text}", text=text)
        case Severity.WARNING:
            return msg("Warning: {text}", text=text)
        case _:
            return msg("Note: {text}", text=text)
