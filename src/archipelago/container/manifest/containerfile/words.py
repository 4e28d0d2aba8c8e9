"""Words of a Containerfile's instruction: quotes, escapes, and variables. Pure.

Quotes are those of the shell. `$NAME` and `${NAME}` stand for a variable, except between single quotes; `\\` takes the
meaning of the character after it away.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from archipelago.container.manifest.model.scalars import IDS_PER_APP

_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_LONGEST = 64 * 1024


class WrongWord(ValueError):
    """A word that cannot be read."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class WordPart:
    """A piece of a word; in a literal one, `$` is a character like any other."""

    text: str
    literal: bool


Word = tuple[WordPart, ...]


def is_utf8(text: str) -> bool:
    """Return whether bytes can be made of a text, as of a path and of an argument: none for one half of a character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def split_words(text: str) -> list[Word]:
    """Return the words of a text. Raises WrongWord where a quote is not closed."""
    words: list[Word] = []
    parts: list[WordPart] = []
    quote, index = "", 0
    begun = False
    while index < len(text):
        character = text[index]
        index += 1
        if character == "\\" and quote != "'":
            following = _escaped(text[index : index + 1], in_quotes=bool(quote))
            parts.append(WordPart(following or character, literal=True))
            index, begun = index + len(following), True
        elif quote:
            if character == quote:
                quote = ""
            else:
                parts.append(WordPart(character, literal=quote == "'"))
        elif character in "'\"":
            quote, begun = character, True
        elif character in " \t":
            if begun:
                words.append(tuple(parts))
            parts, begun = [], False
        else:
            parts.append(WordPart(character, literal=False))
            begun = True
    if quote:
        raise WrongWord(f"the quote {quote} is not closed", "close it, or write '\\' before it")
    return [*words, tuple(parts)] if begun else words


def _escaped(following: str, *, in_quotes: bool) -> str:
    """Return the character that a backslash before it makes literal; empty where the backslash stands for itself."""
    if in_quotes:
        return following if following in ('"', "\\", "$") else ""
    if not following:
        raise WrongWord("it ends with '\\'", "remove it")
    return following


def substitute(word: Word, value: Callable[[str], str | None]) -> str:
    """Return a word with its variables replaced; `value` returns None for one that does not exist. Raises WrongWord."""
    result: list[str] = []
    size = 0
    for text, literal in _runs(word):
        for piece in (text,) if literal else _expanded(text, value):
            size += len(piece)
            if size > _LONGEST:
                raise WrongWord("a value is too long", f"use at most {_LONGEST} characters")
            result.append(piece)
    return "".join(result)


def _runs(word: Word) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a word, those of one kind that follow each other as one."""
    for literal, parts in groupby(word, key=lambda part: part.literal):
        yield "".join(part.text for part in parts), literal


def _expanded(text: str, value: Callable[[str], str | None]) -> Iterator[str]:
    if "$" in _VARIABLE.sub("", text):
        raise WrongWord("a '$' stands for no variable", "write '$NAME', '${NAME}', or '\\$' for the character")
    last = 0
    for found in _VARIABLE.finditer(text):
        name = found[1] or found[2]
        known = value(name)
        if known is None:
            raise WrongWord(f"there is no variable {name}", "set it by ARG or ENV before, or write '\\$'")
        yield text[last : found.start()]
        yield known
        last = found.end()
    yield text[last:]


def is_own_id(number: str) -> bool:
    """Return whether a user or group id is one of those that the app has."""
    digits = number.lstrip("0")
    return len(digits) <= len(str(IDS_PER_APP)) and int(digits or 0) < IDS_PER_APP
