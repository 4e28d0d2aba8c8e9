"""The audit log as a chain: each line holds the hash of the one before it and a signature (Ed25519, RFC 8032).

A line is one JSON object: `entry`, `previous` and `hash` (SHA-256, hexadecimal), `signature` (base64). The hash is over
`previous`, a line feed, and the entry as canonical JSON; the signature is over the hash in hexadecimal.

Refusals of unknown clients do not stay for ever. In their place stands a line with `first` and `last`, the sequences
of the entries that were dropped, `previous`, the hash before them, `hash`, that of the last of them, and a `signature`
over all of these: the chain goes on through it, and nobody but the node can write one.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationError

from archipelago.support.view import View

GENESIS = "0" * 64
"""What stands for the hash before the first one."""
MAX_FAULTS = 100
NOBODY = "nobody"
"""Who is not logged in."""
NODE = "node"
"""The node, for what it does by itself."""
SEVERAL = "several"
"""Those whose refusals are added up."""
RESERVED = frozenset({NOBODY, NODE, SEVERAL})
"""Names that no account may have: an entry must not be taken for that of another."""

Sign = Callable[[bytes], bytes]
IsSigned = Callable[[bytes, bytes], bool]
"""Return whether the first is the signature of the second."""


class Outcome(StrEnum):
    """What became of an action."""

    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditAction(View):
    """Who did what, from where, and with what result."""

    who: str
    origin: str
    """Where the call came from; empty for what the node did by itself."""
    action: str
    """The RPC method, or what the node did by itself."""
    subject: dict[str, str] = Field(default={})
    """What it was done to, by the names of the parameters; values that could be secret are left out."""
    outcome: Outcome
    detail: str = ""
    """Name of the error, or id of the operation."""
    began: int | None = None
    """Sequence of the entry in which this action started."""


class AuditEntry(AuditAction):
    """One line of the audit log: an action, and when it was recorded."""

    sequence: Annotated[int, Field(ge=1)]
    at: datetime


class Head(View):
    """The newest entry that was written, kept beside the log: what is missing at its end shows."""

    sequence: Annotated[int, Field(ge=0)] = 0
    hash: str = GENESIS

    @property
    def message(self) -> bytes:
        """What is signed of it."""
        return f"archipelago audit head\n{self.sequence}\n{self.hash}".encode()


class Dropped(View):
    """Stands for entries that the node dropped."""

    first: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]
    previous: str
    hash: str
    signature: str = ""

    @property
    def message(self) -> bytes:
        """What is signed of it."""
        return f"archipelago audit dropped\n{self.first}\n{self.last}\n{self.previous}\n{self.hash}".encode()

    @property
    def head(self) -> Head:
        """The head of a log that ends here."""
        return Head(sequence=self.last, hash=self.hash)


class AuditLine(View):
    """One line."""

    entry: AuditEntry
    previous: str
    hash: str
    signature: str

    @property
    def head(self) -> Head:
        """The head of a log that ends here."""
        return Head(sequence=self.entry.sequence, hash=self.hash)


class AuditFault(View):
    """Something that is wrong with the log, and where."""

    line: int
    """Number of the line, from 1, counted over all files of the log."""
    sequence: int | None = None
    """Sequence of the entry, where it can be read."""
    what: str


class AuditVerdict(View):
    """What verifying the log found."""

    entries: int
    """How many lines there are."""
    dropped: int = 0
    """How many entries the node dropped: old refusals of unknown clients."""
    head: Head
    """The last line's; keep it elsewhere to prove later that nothing before it was changed."""
    faults: tuple[AuditFault, ...]
    """Empty when the log is whole; at most 100."""


def link(head: Head, entry: AuditEntry, sign: Sign) -> AuditLine:
    """Return the line that comes after `head`."""
    digest = _digest(head.hash, entry)
    signature = base64.b64encode(sign(digest.encode())).decode()
    return AuditLine(entry=entry, previous=head.hash, hash=digest, signature=signature)


def is_refusal(audited: AuditAction) -> bool:
    """Return whether an entry says only that somebody tried what he may not; such entries do not stay for ever.

    What an unknown client tries starts like a login that succeeds, of which the end stays.
    """
    by_unknown = audited.who == NOBODY and audited.outcome in (Outcome.BEGUN, Outcome.REFUSED)
    return by_unknown or (audited.outcome is Outcome.REFUSED and audited.began is None)


def encode(one: AuditLine | Dropped) -> bytes:
    """Return a line as it stands in the file."""
    return _canonical(one.model_dump(mode="json")) + b"\n"


def decode(line: bytes) -> AuditLine:
    """Read a line that holds an entry. Raises ValueError."""
    return AuditLine.model_validate_json(line)


def head_of(line: bytes, is_signed: IsSigned) -> Head | None:
    """Return the head of a log that ends with a line; None where that is not the node's."""
    found = _read(line)
    if found is None or not _is_genuine(found, is_signed) or not _is_unchanged(found):
        return None
    return found.head


def verify(lines: Iterable[bytes], head: Head, is_signed: IsSigned, *, known: Head | None = None) -> AuditVerdict:
    """Check every line, their order, and that none is missing, at the end neither.

    `known` is an older head, from another place: the log must have gone through it.
    """
    faults: list[AuditFault] = []
    last, count, dropped = Head(), 0, 0
    unread = 0  # lines since `last` that cannot be read: each may have been an entry, or something put in
    for count, line in enumerate(lines, start=1):
        found = _read(line)
        if found is None:
            faults.append(AuditFault(line=count, sequence=None, what="it cannot be read as an entry"))
            unread += 1
        else:
            number, whats = found.head.sequence, [*faults_of(found, last, unread, is_signed)]
            if known is not None and number == known.sequence and found.hash != known.hash:
                whats.append("it is not the one that had been written")
            faults += (AuditFault(line=count, sequence=number, what=what) for what in whats)
            dropped += number - found.first + 1 if isinstance(found, Dropped) else 0
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
    return AuditVerdict(entries=count, dropped=dropped, head=last, faults=tuple(faults[:MAX_FAULTS]))


def faults_of(found: AuditLine | Dropped, last: Head, unread: int, is_signed: IsSigned) -> Iterator[str]:
    """Yield what is wrong with a line that comes after `last` and so many lines that cannot be read."""
    number, due = _first(found), last.sequence + 1
    if number > due + unread:
        missing = f"entry {due} is" if number == due + 1 else f"entries {due} to {number - 1} are"
        yield f"{missing} missing before it"
    elif number < due:
        yield f"it is out of its place: entry {due} is due here"
    elif number == due and found.previous != last.hash:
        yield "it does not follow from the entry before it"
    if not _is_unchanged(found):
        yield "it was changed: its hash does not fit"
    if not _is_genuine(found, is_signed):
        yield "the signature is not this node's"


def _is_unchanged(found: AuditLine | Dropped) -> bool:
    return isinstance(found, Dropped) or _digest(found.previous, found.entry) == found.hash


def _is_genuine(found: AuditLine | Dropped, is_signed: IsSigned) -> bool:
    return is_signed(
        read_signature(found.signature), found.message if isinstance(found, Dropped) else found.hash.encode()
    )


def drop_refusals(lines: Iterable[bytes], sign: Sign, is_signed: IsSigned) -> Iterator[bytes]:
    """Yield the lines of a part of the log with refusals replaced by what stands for them.

    A line with which anything is wrong stays as it is, and so do its neighbours: the node vouches for nothing but what
    it wrote itself.
    """
    run: Dropped | None = None
    last: Head | None = None
    for line in lines:
        found = _read(line)
        # What comes before the first line is elsewhere.
        before = last or (Head(sequence=_first(found) - 1, hash=found.previous) if found is not None else Head())
        is_whole = found is not None and not any(faults_of(found, before, 0, is_signed))
        last = found.head if found is not None else before
        if found is not None and is_whole and (isinstance(found, Dropped) or is_refusal(found.entry)):
            run = Dropped(
                first=run.first if run else _first(found),
                last=found.head.sequence,
                previous=run.previous if run else found.previous,
                hash=found.hash,
            )
            continue
        if run is not None:
            yield _signed(run, sign)
            run = None
        yield line
    if run is not None:
        yield _signed(run, sign)


def _signed(run: Dropped, sign: Sign) -> bytes:
    return encode(run.model_copy(update={"signature": base64.b64encode(sign(run.message)).decode()}))


def _first(found: AuditLine | Dropped) -> int:
    return found.first if isinstance(found, Dropped) else found.entry.sequence


def _read(line: bytes) -> AuditLine | Dropped | None:
    for kind in (AuditLine, Dropped):
        try:
            found: AuditLine | Dropped = kind.model_validate_json(line)
        except ValidationError:
            continue
        # Only one way of writing a line is the node's own; another one hides a change.
        return found if encode(found) == line.rstrip(b"\n") + b"\n" else None
    return None


def read_signature(text: str) -> bytes:
    """Return a signature; empty where the text is none, or another way of writing one (RFC 4648, 3.5)."""
    try:
        signature = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""
    return signature if base64.b64encode(signature).decode() == text else b""


def _digest(previous: str, entry: AuditEntry) -> str:
    return hashlib.sha256(previous.encode() + b"\n" + _canonical(entry.model_dump(mode="json"))).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
