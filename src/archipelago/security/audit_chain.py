"""The audit log as a chain: each line holds the hash of the one before it and a signature (Ed25519, RFC 8032).

A line is one JSON object: `entry`, `previous` and `hash` (SHA-256, hexadecimal), `signature` (base64). The hash is over
`previous`, a line feed, and the entry as canonical JSON; the signature is over the hash in hexadecimal.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

GENESIS = "0" * 64
"""What stands for the hash before the first one."""
MAX_FAULTS = 100

Sign = Callable[[bytes], bytes]
IsSigned = Callable[[bytes, bytes], bool]
"""Tells whether the first is the signature of the second."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Outcome(StrEnum):
    """What became of an action."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Deed(_Value):
    """Who did what, from where, and with what result."""

    who: str
    origin: str
    """Where the call came from; empty for what the node did by itself."""
    action: str
    """The RPC method, or what the node did by itself."""
    subject: dict[str, str] = {}
    """What it was done to, by the names of the parameters; values that could be secret are left out."""
    outcome: Outcome
    detail: str = ""
    """Name of the error, or id of the operation."""
    began: int | None = None
    """Sequence of the entry in which this action began."""


class AuditEntry(Deed):
    """One line of the audit log: a deed, and when it was written down."""

    sequence: Annotated[int, Field(ge=1)]
    at: datetime


class Head(_Value):
    """The newest entry that was written, kept beside the log: what is missing at its end shows."""

    sequence: Annotated[int, Field(ge=0)] = 0
    hash: str = GENESIS


class Link(_Value):
    """One line."""

    entry: AuditEntry
    previous: str
    hash: str
    signature: str

    @property
    def head(self) -> Head:
        """The head of a log that ends here."""
        return Head(sequence=self.entry.sequence, hash=self.hash)


class AuditFault(_Value):
    """Something that is wrong with the log, and where."""

    line: int
    """Number of the line, from 1, counted over all files of the log."""
    sequence: int | None = None
    """Sequence of the entry, where it can be read."""
    what: str


class AuditVerdict(_Value):
    """What verifying the log found."""

    entries: int
    """How many lines there are."""
    head: Head
    """The last line's; keep it elsewhere to prove later that nothing before it was changed."""
    faults: tuple[AuditFault, ...]
    """Empty when the log is whole; at most 100."""


def link(head: Head, entry: AuditEntry, sign: Sign) -> Link:
    """Return the line that comes after `head`."""
    digest = _digest(head.hash, entry)
    signature = base64.b64encode(sign(digest.encode())).decode()
    return Link(entry=entry, previous=head.hash, hash=digest, signature=signature)


def encode(one: Link) -> bytes:
    """Return a line as it stands in the file."""
    return _canonical(one.model_dump(mode="json")) + b"\n"


def decode(line: bytes) -> Link:
    """Read a line. Raises ValueError."""
    return Link.model_validate_json(line)


def verify(lines: Iterable[bytes], head: Head, is_signed: IsSigned) -> AuditVerdict:
    """Check every line, their order, and that none is missing, at the end neither."""
    faults: list[AuditFault] = []
    last, count = Head(), 0
    unread = 0  # lines since `last` that cannot be read: each may have been an entry, or something put in
    for count, line in enumerate(lines, start=1):
        found = _read(line)
        if found is None:
            faults.append(AuditFault(line=count, sequence=None, what="it cannot be read as an entry"))
            unread += 1
        else:
            number, whats = found.entry.sequence, _faults(found, last, unread, is_signed)
            faults += (AuditFault(line=count, sequence=number, what=what) for what in whats)
            last, unread = found.head, 0
        if len(faults) >= MAX_FAULTS:
            break
    else:
        if last.sequence + unread < head.sequence:
            what = f"the log ends with entry {last.sequence}, but entry {head.sequence} had been written"
            faults.append(AuditFault(line=count + 1, sequence=None, what=what))
        elif last.sequence == head.sequence and last.hash != head.hash:
            what = "the last entry is not the one that had been written"
            faults.append(AuditFault(line=count, sequence=last.sequence, what=what))
    return AuditVerdict(entries=count, head=last, faults=tuple(faults[:MAX_FAULTS]))


def _faults(found: Link, last: Head, unread: int, is_signed: IsSigned) -> Iterator[str]:
    number, due = found.entry.sequence, last.sequence + 1
    if number > due + unread:
        missing = f"entry {due} is" if number == due + 1 else f"entries {due} to {number - 1} are"
        yield f"{missing} missing before it"
    elif number < due:
        yield f"it is out of its place: entry {due} is due here"
    elif number == due and found.previous != last.hash:
        yield "it does not follow from the entry before it"
    if _digest(found.previous, found.entry) != found.hash:
        yield "it was changed: its hash does not fit"
    if not is_signed(_signature(found), found.hash.encode()):
        yield "the signature is not this node's"


def _read(line: bytes) -> Link | None:
    try:
        found = decode(line)
    except ValidationError:
        return None
    # Only one way of writing a line is the node's own; another one hides a change.
    return found if encode(found) == line.rstrip(b"\n") + b"\n" else None


def _signature(found: Link) -> bytes:
    try:
        return base64.b64decode(found.signature, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _digest(previous: str, entry: AuditEntry) -> str:
    return hashlib.sha256(previous.encode() + b"\n" + _canonical(entry.model_dump(mode="json"))).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
