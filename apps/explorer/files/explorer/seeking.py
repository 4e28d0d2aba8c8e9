"""What somebody looks for, and which part of a long list he sees. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

PER_PAGE = 25
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_HEIGHT = re.compile(r"[0-9]{1,9}")
_ADDRESS = re.compile(r"[0-9a-zA-Z]{14,100}")

T = TypeVar("T")


class Sought(Enum):
    """What a text may name."""

    NOTHING = auto()
    HEIGHT = auto()
    HASH = auto()
    """Of a block, or the id of a transaction."""
    ADDRESS = auto()
    UNKNOWN = auto()


def sought(text: str) -> tuple[Sought, str]:
    """Return what a text may name, and the name in its usual form."""
    text = text.strip()
    if not text:
        return Sought.NOTHING, ""
    plain = text.replace(",", "").replace(" ", "").removeprefix("#")
    if _HEIGHT.fullmatch(plain):
        return Sought.HEIGHT, str(int(plain))
    if _HASH.fullmatch(text):
        return Sought.HASH, text.lower()
    name = text.partition("?")[0]
    if name[:8].lower() == "bitcoin:":
        name = name[8:]
    if _ADDRESS.fullmatch(name):
        return Sought.ADDRESS, name
    return Sought.UNKNOWN, text


def is_hash(text: str) -> bool:
    """Return whether a text is the hash of a block or the id of a transaction, in its usual form."""
    return _HASH.fullmatch(text) is not None and text == text.lower()


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """A part of a list that is too long for one page."""

    items: Sequence[T]
    number: int
    """From 1."""
    last: int
    total: int
    first: int
    """Position of its first item in the whole list, from 0."""


def sheet(items: Sequence[T], number: int, per_page: int = PER_PAGE) -> Sheet[T]:
    """Return a page of a list; the nearest one where it has no page of this number."""
    last = max(1, -(-len(items) // per_page))
    number = min(max(1, number), last)
    first = (number - 1) * per_page
    return Sheet(items[first : first + per_page], number, last, len(items), first)


def page_number(text: str) -> int:
    """Return the number of a page, as an address has it; 1 for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) else 1
