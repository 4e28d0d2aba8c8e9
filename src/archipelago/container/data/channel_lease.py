"""Whether an app may run on state of which an older copy loses money (channels of Lightning). Pure.

An app with a `never-restore` volume runs only while this node has the *lease* of its state. The lease is bound to the
state: a `Claim` is beside the volume, in the node's database, and at each target of backups, and each start of the
app, each backup and each change of a streamed file makes the next one. Where the three disagree, the state has a
newer life somewhere else, or this is a copy, so the app does not start by itself. Only counters are compared, never
times.

Limit: a copy of the whole disk that is put back into the same machine looks like a crash as long as no later claim has
reached a target.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from archipelago.storage.records.leases import BoundLease, Claim, ClaimLedger, LeaseSeen
from archipelago.support.texts.text import msg


class LeaseVerdict(StrEnum):
    """Who has the lease of a state."""

    NEW = "new"
    """There is no state yet, and no sign of one elsewhere."""
    OURS = "ours"
    EMPTIED = "emptied"
    """There was data in the volume, and now there is none."""
    UNKNOWN = "unknown"
    """There is data, and nothing says where it is from."""
    FOREIGN = "foreign"
    """Another installation of the node has claimed it."""
    OLDER = "older"
    """A newer claim of the same state is known."""
    ELSEWHERE = "elsewhere"
    """Another node has made a newer claim for the same app."""
    COPIED = "copied"
    """The directory is another one than that which was claimed."""
    MACHINE = "machine"
    """This is another machine than that on which it was claimed."""

    @property
    def allows(self) -> bool:
        """Whether the app may start without asking its owner."""
        return self in (LeaseVerdict.NEW, LeaseVerdict.OURS)


def judge(seen: LeaseSeen) -> LeaseVerdict:
    """Return who has the lease of a state."""
    ledger, beside = seen.ledger, seen.beside
    if seen.empty:
        if beside is not None and beside.directory == seen.directory and beside.claim.state in ledger.filled:
            return LeaseVerdict.EMPTIED
        return LeaseVerdict.NEW if contest(ledger) is None else LeaseVerdict.ELSEWHERE
    if beside is None:
        return LeaseVerdict.UNKNOWN
    claim, own = beside.claim, ledger.own(beside.claim.state)
    if claim not in (own, ledger.pending):
        older = own is not None and claim.epoch < own.epoch
        return LeaseVerdict.OLDER if older else LeaseVerdict.FOREIGN
    if (newer := contest(ledger)) is not None:
        return LeaseVerdict.OLDER if newer.state == claim.state else LeaseVerdict.ELSEWHERE
    if beside.directory != seen.directory:
        return LeaseVerdict.COPIED
    if beside.machine and seen.machine and beside.machine.isdisjoint(seen.machine):
        return LeaseVerdict.MACHINE
    return LeaseVerdict.OURS


def contest(ledger: ClaimLedger) -> Claim | None:
    """Return a claim at a target that somebody else has made since the newest one of this node; None without one."""
    return max(_strangers(ledger), key=lambda each: (each.epoch, each.text), default=None)


def _strangers(ledger: ClaimLedger) -> frozenset[Claim]:
    """Return the claims at targets that are not of this node, and that it did not know when it made its newest one."""
    found = set()
    for each in ledger.sighted - ledger.accepted:
        own = ledger.own(each.state)
        if each not in (own, ledger.pending) and not (own is not None and each.epoch < own.epoch):
            found.add(each)
    return frozenset(found)


def may_run(seen: LeaseSeen) -> bool:
    """Return whether the app may start: by itself, or as its owner has allowed for exactly what is seen."""
    return judge(seen).allows or (bool(seen.ledger.granted) and seen.ledger.granted == evidence(seen))


def evidence(seen: LeaseSeen) -> str:
    """Return a digest of what speaks against a start, which an owner allows: it differs once anything else does."""
    ledger, beside = seen.ledger, seen.beside
    words = [
        judge(seen),
        repr(seen.directory),
        *sorted(seen.machine),
        *((beside.claim.text, repr(beside.directory)) if beside is not None else ()),
        *sorted(each.text for each in ledger.claims | _strangers(ledger)),
    ]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class LeaseSteps:
    """What is written to claim a state, in this order: after a crash in between, either is true, and nothing runs."""

    first: ClaimLedger
    """In the database: the claim is on its way."""
    beside: BoundLease
    """Beside the volume."""
    last: ClaimLedger
    """In the database: the claim is made. Only from then on may the app run, and may targets get to know."""


def claim(seen: LeaseSeen, state: str, nonce: str) -> LeaseSteps:
    """Return the next claim of a state that may be run (`may_run`); `state` is the random name that a new one gets."""
    ledger, beside = seen.ledger, seen.beside
    if beside is not None and beside.claim == ledger.pending:
        ledger = ledger.settled(beside.claim)
    if beside is not None and not (seen.empty and beside.claim.state in ledger.filled):
        state = beside.claim.state
    known = [*ledger.claims, *ledger.sighted, *([beside.claim] if beside is not None else [])]
    if ledger.pending is not None:
        known.append(ledger.pending)
    made = Claim(state, 1 + max((each.epoch for each in known), default=0), nonce)
    filled = ledger.filled if seen.empty else ledger.filled | {state}
    # One that a crash cut off is this node's as well, also where a target has seen it.
    own = ledger.accepted if ledger.pending is None else ledger.accepted | {ledger.pending}
    first = replace(ledger, pending=made, filled=filled, accepted=own)
    return LeaseSteps(first, BoundLease(made, seen.directory, seen.machine), first.settled(made))


@dataclass(frozen=True, slots=True)
class ContestedState:
    """Why an app does not start with a volume."""

    app: str
    volume: str
    verdict: LeaseVerdict
    evidence: str

    @property
    def what(self) -> str:
        """What is wrong, in a sentence without its end."""
        return msg("the state in the volume '{volume}' may not be run: {why}", volume=self.volume, why=self._why)

    @property
    def _why(self) -> str:
        match self.verdict:
            case LeaseVerdict.EMPTIED:
                return msg("there was data in it, and there is none")
            case LeaseVerdict.UNKNOWN | LeaseVerdict.FOREIGN:
                return msg("another installation of the node has run it, and may still do")
            case LeaseVerdict.OLDER:
                return msg("a newer one of it is known, and an older one loses money")
            case LeaseVerdict.ELSEWHERE:
                return msg("another node has run this app since, with the keys of this one")
            case LeaseVerdict.COPIED:
                return msg("it is in another directory than before, so it may be a copy")
            case _:
                return msg("this is another machine than the one on which it ran last")

    def remedy(self, app: str) -> str:
        """What the owner can do."""
        return msg(
            "an older state, or the same one on two machines, loses money; when you are sure that this is the newest "
            "and that no other machine ever runs it: archipelago data claim {app}",
            app=app,
        )
