"""What goes over the air: four kinds of frame, each with the name of a message. Pure.

A frame starts with a byte of version and kind, and eight bytes of the SHA-256 of the message. That hash is the name of
the message, and shows whether it was put together rightly. Numbers are big-endian.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

NAME_SIZE = 8
MOST_BYTES = 50_000
"""Of one transaction."""
EVERYTHING = 255
"""In `Need`: the gateway has nothing of the message, and does not know how long it is."""
_VERSION = 0x10
_DATA, _ASK, _NEED, _REPORT = range(1, 5)
_HEAD = 1 + NAME_SIZE
DATA_HEAD = _HEAD + 3 + 1
"""Bytes of a `Data` frame before its payload: length of the message (3) and index of the fragment (1)."""
_TXID_SIZE = 32


class Status(IntEnum):
    """What became of a transaction."""

    ACCEPTED = 0
    """The node broadcasts it."""
    KNOWN = 1
    """The node had it already."""
    REFUSED = 2
    """It is not valid, or against the node's rules; the reason is the node's."""
    WAITING = 3
    """It is whole, and the node does not answer yet. Not the last word."""
    LIMITED = 4
    """Too many were sent in a short time: ask again later. Not the last word."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes."""
        return self in (Status.ACCEPTED, Status.KNOWN, Status.REFUSED)


@dataclass(frozen=True, slots=True)
class Data:
    """Sender to gateway: a fragment of a message."""

    name: bytes
    length: int
    """Bytes of the message."""
    index: int
    payload: bytes

    def packed(self) -> bytes:
        """Return its bytes."""
        return _head(_DATA, self.name) + self.length.to_bytes(3, "big") + bytes((self.index,)) + self.payload


@dataclass(frozen=True, slots=True)
class Ask:
    """Sender to gateway: what is missing, or what became of it?"""

    name: bytes

    def packed(self) -> bytes:
        """Return its bytes."""
        return _head(_ASK, self.name)


@dataclass(frozen=True, slots=True)
class Need:
    """Gateway to sender: so many more fragments, whichever."""

    name: bytes
    count: int
    """From 1 on, or `EVERYTHING`."""

    def packed(self) -> bytes:
        """Return its bytes."""
        return _head(_NEED, self.name) + bytes((self.count,))


@dataclass(frozen=True, slots=True)
class Report:
    """Gateway to sender: what became of the message."""

    name: bytes
    status: Status
    txid: bytes = b""
    """32 bytes, as they are shown in hexadecimal; for `ACCEPTED` and `KNOWN` where the node said it."""
    reason: str = ""
    """The node's, for `REFUSED`."""

    def packed(self, largest: int = 200) -> bytes:
        """Return its bytes, with as much of the reason as fits into `largest`."""
        head = _head(_REPORT, self.name) + bytes((self.status,))
        if self.txid:
            return head + self.txid
        said = self.reason.encode()[: largest - len(head)]
        return head + said.decode(errors="ignore").encode()


Frame = Data | Ask | Need | Report


def name_of(message: bytes) -> bytes:
    """Return the name of a message."""
    return hashlib.sha256(message).digest()[:NAME_SIZE]


def unpacked(raw: bytes) -> Frame | None:
    """Return what a frame says, or None where it is none of ours."""
    if len(raw) < _HEAD or raw[0] & 0xF0 != _VERSION:
        return None
    name, rest = raw[1:_HEAD], raw[_HEAD:]
    match raw[0] & 0x0F:
        case 1 if len(raw) > DATA_HEAD:
            length = int.from_bytes(rest[:3], "big")
            return Data(name, length, rest[3], rest[4:]) if 0 < length <= MOST_BYTES else None
        case 2 if not rest:
            return Ask(name)
        case 3 if len(rest) == 1 and rest[0]:
            return Need(name, rest[0])
        case 4 if rest and rest[0] in set(Status):
            return _report(name, Status(rest[0]), rest[1:])
    return None


def _report(name: bytes, status: Status, rest: bytes) -> Report | None:
    if status in (Status.ACCEPTED, Status.KNOWN):
        return Report(name, status, txid=rest) if len(rest) in (0, _TXID_SIZE) else None
    said = rest.decode(errors="replace")
    # A gateway must not write to the sender's terminal.
    return Report(name, status, reason="".join(each if each.isprintable() else " " for each in said))


def _head(kind: int, name: bytes) -> bytes:
    return bytes((_VERSION | kind,)) + name
