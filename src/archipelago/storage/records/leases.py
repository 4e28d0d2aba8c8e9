"""Leases on state of which an older copy loses money, as the node stores them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from archipelago.storage.records.volumes import Mark


@dataclass(frozen=True, slots=True)
class Claim:
    """One turn at a state. Whoever made the newest one may run it, and nobody else."""

    state: str
    """Random name of the state, which it keeps for as long as it exists."""
    epoch: int
    """Counts the claims of all states of one volume: clocks play no part."""
    nonce: str
    """Random, so that two nodes that claim at the same time find out."""

    @property
    def text(self) -> str:
        """The claim in one word without a comma, as targets of backups keep it."""
        return f"{self.state}.{self.epoch}.{self.nonce}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the claim that `text` stands for; raises `ValueError`."""
        state, epoch, nonce = text.split(".")
        if not state or not nonce or not epoch.isascii() or not epoch.isdigit() or len(epoch) > 18:
            raise ValueError(f"{text[:80]!r} is no claim")
        return cls(state, int(epoch), nonce)


@dataclass(frozen=True, slots=True)
class BoundLease:
    """A claim as it is stored beside its volume, with where it was made."""

    claim: Claim
    directory: Mark
    """The directory that was the volume then: a copy of it is another one."""
    machine: frozenset[str]
    """What distinguished the machine then; nothing where nothing does."""


@dataclass(frozen=True, slots=True)
class ClaimLedger:
    """What the database knows of the states of one volume, those that were set aside included."""

    claims: frozenset[Claim] = frozenset()
    """The newest claim that this node has made of each state."""
    pending: Claim | None = None
    """A claim that may not have reached the disk beside the volume: nothing has run under it."""
    filled: frozenset[str] = frozenset()
    """States of which data was seen."""
    sighted: frozenset[Claim] = frozenset()
    """The newest claims of each state that were seen at targets of backups; several where nodes claimed at once."""
    accepted: frozenset[Claim] = frozenset()
    """Those of them that were known when this node made its newest claim, and did not speak against it."""
    granted: str = ""
    """What its owner has seen and allowed, as `channel_lease.evidence` returns it."""

    def own(self, state: str) -> Claim | None:
        """Return the newest claim that this node has made of a state."""
        return next((each for each in self.claims if each.state == state), None)

    def settled(self, claim: Claim) -> Self:
        """Return the ledger once a claim is stored beside the volume."""
        claims = {each for each in self.claims if each.state != claim.state} | {claim}
        return replace(self, claims=frozenset(claims), pending=None, accepted=self.sighted, granted="")

    def with_sighted(self, claims: Iterable[Claim]) -> Self:
        """Return the ledger with claims that were seen at a target; none is ever forgotten for an older one."""
        newest: dict[str, set[Claim]] = {}
        for each in sorted(self.sighted.union(claims), key=lambda one: one.epoch):
            known = newest.setdefault(each.state, set())
            if any(one.epoch < each.epoch for one in known):
                known.clear()
            known.add(each)
        return replace(self, sighted=frozenset(each for known in newest.values() for each in known))


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """All that says whether an app may run on a state."""

    empty: bool
    """Nothing is in the volume."""
    directory: Mark
    """Which directory the volume is now."""
    machine: frozenset[str]
    """What distinguishes this machine."""
    beside: BoundLease | None
    ledger: ClaimLedger = field(default_factory=ClaimLedger)
