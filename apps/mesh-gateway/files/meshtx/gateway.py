"""What a gateway makes of the frames that it hears: transactions for the node, and answers. Pure.

A frame can do two things: bring a part of a signed transaction, and ask what became of one. There is no frame by which
a radio could ask the node for anything else.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from meshtx.frames import Ask, Data, Need, Report, Status, unpacked
from meshtx.rates import Rates
from meshtx.reassembly import Reassembly

_FRAME_COST = 64
"""Bytes that each frame counts beside its own, so that tiny frames are not free."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What senders may ask for, and what they may cost."""

    transactions_per_minute: float = 60
    """Of one sender."""
    transactions_at_once: float = 60
    bytes_per_second: float = 20_000
    """Of one sender."""
    bytes_at_once: float = 400_000
    all_together: float = 10
    """How many times as much as one sender all of them may ask for."""
    partial_bytes: int = 8 << 20
    """Memory for messages that are not whole."""
    partials_of_each: int = 64
    partial_seconds: float = 3600
    pending: int = 200
    """Transactions that wait for the node."""
    remembered: int = 20_000
    """Reports."""
    refused_seconds: float = 60
    """For how long a refusal counts for those who send it again: it may become valid when its parent comes."""
    retry_seconds: float = 10
    """Between two attempts while the node does not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame for a sender."""

    sender: bytes
    frame: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """A transaction that the node has to be given."""

    name: bytes
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the node said of a transaction."""

    status: Status
    txid: bytes = b""
    reason: str = ""


@dataclass(slots=True)
class _Pending:
    submission: Submission
    senders: list[bytes]
    try_at: float | None = None
    """None while the node is asked."""
    told: bool = False
    """Whether its senders know that the node does not answer."""


@dataclass(slots=True)
class Counts:
    """What a gateway has seen since its start."""

    nonsense: int = 0
    limited: int = 0
    expired: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0


@dataclass(slots=True)
class Gateway:
    """The state of a gateway. Times are seconds of a clock that never goes back."""

    limits: Limits = field(default_factory=Limits)
    largest_frame: int = 200
    counts: Counts = field(default_factory=Counts)
    partials: Reassembly = field(init=False)
    _pending: dict[bytes, _Pending] = field(init=False, default_factory=dict)
    _finished: OrderedDict[bytes, tuple[Outcome, float]] = field(init=False, default_factory=OrderedDict)
    _bytes: Rates = field(init=False)
    _all_bytes: Rates = field(init=False)
    _transactions: Rates = field(init=False)
    _all_transactions: Rates = field(init=False)

    def __post_init__(self) -> None:
        limits, times = self.limits, self.limits.all_together
        self.partials = Reassembly(limits.partial_bytes, limits.partials_of_each, limits.partial_seconds)
        each, burst = limits.transactions_per_minute / 60, limits.transactions_at_once
        self._transactions, self._all_transactions = Rates(each, burst), Rates(each * times, burst * times)
        each, burst = limits.bytes_per_second, limits.bytes_at_once
        self._bytes, self._all_bytes = Rates(each, burst), Rates(each * times, burst * times)

    def receive(self, sender: bytes, raw: bytes, now: float) -> tuple[list[Answer], list[Submission]]:
        """Return what is answered to a frame, and what the node has to be given because of it."""
        cost = len(raw) + _FRAME_COST
        if not self._bytes.take(sender, cost, now) or not self._all_bytes.take(b"", cost, now):
            self.counts.limited += 1
            return [], []
        match unpacked(raw):
            case Data() as data:
                return self._fragment(sender, data, now)
            case Ask(name):
                return self._asked(sender, name, now)
            case _:
                self.counts.nonsense += 1
                return [], []

    def concluded(self, submission: Submission, outcome: Outcome, now: float) -> list[Answer]:
        """Take what the node said of a submission, and return the reports for those who sent it."""
        pending = self._pending[submission.name]
        if not outcome.status.is_final:
            told, pending.told, pending.try_at = pending.told, True, now + self.limits.retry_seconds
            return [] if told else self._reports(pending, outcome)
        del self._pending[submission.name]
        self._finished[submission.name] = (outcome, now)
        self._finished.move_to_end(submission.name)
        while len(self._finished) > self.limits.remembered:
            self._finished.popitem(last=False)
        self._count(outcome.status)
        return self._reports(pending, outcome)

    def due(self, now: float) -> list[Submission]:
        """Return what the node has to be given again, and forget messages that took too long."""
        self.counts.expired += self.partials.expire(now)
        again = [one for one in self._pending.values() if one.try_at is not None and one.try_at <= now]
        for one in again:
            one.try_at = None
        return [one.submission for one in again]

    @property
    def waiting(self) -> int:
        """How many transactions wait for the node."""
        return len(self._pending)

    def _fragment(self, sender: bytes, data: Data, now: float) -> tuple[list[Answer], list[Submission]]:
        self._forget_old_refusal(data.name, now)
        if data.name in self._finished or data.name in self._pending:
            return [], []  # a late or second copy; who wants to know what became of it, asks
        self.partials.add(sender, data, now)
        return self._if_whole(sender, data.name, now)

    def _asked(self, sender: bytes, name: bytes, now: float) -> tuple[list[Answer], list[Submission]]:
        if name in self._finished:
            return [self._report(sender, name, self._finished[name][0])], []
        pending = self._pending.get(name)
        if pending is not None:
            if sender not in pending.senders and len(pending.senders) < self.limits.partials_of_each:
                pending.senders.append(sender)
            return [self._report(sender, name, Outcome(Status.WAITING))], []
        if self.partials.missing(sender, name) == 0:
            return self._if_whole(sender, name, now)
        return [Answer(sender, Need(name, self.partials.missing(sender, name)).packed())], []

    def _if_whole(self, sender: bytes, name: bytes, now: float) -> tuple[list[Answer], list[Submission]]:
        message = self.partials.whole(sender, name)
        if message is None:
            return [], []
        if len(self._pending) >= self.limits.pending or not self._may_submit(sender, now):
            self.counts.limited += 1
            return [self._report(sender, name, Outcome(Status.LIMITED))], []
        self.partials.forget(sender, name)
        submission = Submission(name, message)
        self._pending[name] = _Pending(submission, [sender])
        return [], [submission]

    def _may_submit(self, sender: bytes, now: float) -> bool:
        return self._transactions.take(sender, 1, now) and self._all_transactions.take(b"", 1, now)

    def _forget_old_refusal(self, name: bytes, now: float) -> None:
        outcome, at = self._finished.get(name, (None, 0.0))
        if outcome is not None and outcome.status is Status.REFUSED and at + self.limits.refused_seconds <= now:
            del self._finished[name]

    def _reports(self, pending: _Pending, outcome: Outcome) -> list[Answer]:
        return [self._report(sender, pending.submission.name, outcome) for sender in pending.senders]

    def _report(self, sender: bytes, name: bytes, outcome: Outcome) -> Answer:
        report = Report(name, outcome.status, outcome.txid, outcome.reason)
        return Answer(sender, report.packed(self.largest_frame))

    def _count(self, status: Status) -> None:
        match status:
            case Status.ACCEPTED:
                self.counts.accepted += 1
            case Status.KNOWN:
                self.counts.known += 1
            case Status.REFUSED:
                self.counts.refused += 1
