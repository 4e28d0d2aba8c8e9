"""How a sender gets one transaction to a gateway and a report back, whatever gets lost. Pure.

The sender drives: it sends fragments, with some more than are needed, and asks until there is a report. An answer says
how many more fragments are needed; those that are sent then are new ones, of which each helps. A gateway that hears
nothing says nothing.
"""

from collections import deque
from dataclasses import dataclass, field

from meshtx.erasure import MOST_FRAGMENTS, fragment, parts_of
from meshtx.frames import DATA_HEAD, EVERYTHING, MOST_BYTES, Ask, Data, Need, Report, name_of, unpacked

_GROWTH = 1.3
"""How much longer each wait is than the one before, while nothing comes."""
_LONGEST = 5.0
"""The longest wait, in times of the patience."""
_SPARE = 3
"""One fragment more for so many that are needed."""


@dataclass(slots=True)
class Delivery:
    """One transaction on its way. Times are seconds of a clock that never goes back.

    Raises `ValueError` for a transaction that is empty or too large for frames of this size.
    """

    transaction: bytes
    largest_frame: int
    """Bytes."""
    patience: float
    """Seconds to wait for an answer at first."""
    give_up_at: float
    name: bytes = field(init=False)
    report: Report | None = field(init=False, default=None)
    """The gateway's last word, once there is one."""
    wait_report: Report | None = field(init=False, default=None)
    """That it is whole there and waits, or that too much was sent."""
    _count: int = field(init=False)
    _size: int = field(init=False)
    _next: int = field(init=False, default=0)
    _queue: deque[int] = field(init=False, default_factory=deque)
    _wait: float = field(init=False)
    _ask_at: float = field(init=False, default=0.0)
    _asking: bool = field(init=False, default=False)
    """Whether no answer has come to the last question."""

    def __post_init__(self) -> None:
        if len(self.transaction) > MOST_BYTES:
            raise ValueError(f"the transaction has {len(self.transaction)} bytes; {MOST_BYTES} are the most")
        self._count, self._size = parts_of(len(self.transaction), self.largest_frame - DATA_HEAD)
        self.name, self._wait = name_of(self.transaction), self.patience
        self._send_more(self._count)

    def frame(self, now: float) -> bytes | None:
        """Return the frame to send now, or None where it is not time; each call counts as sent."""
        if self.is_over(now):
            return None
        if self._queue:
            index = self._queue.popleft()
            self._ask_at = now + self._wait
            payload = fragment(self.transaction, self._count, self._size, index)
            return Data(self.name, len(self.transaction), index, payload).packed()
        if now < self._ask_at:
            return None
        self._wait = min(self._wait * _GROWTH, _LONGEST * self.patience)
        self._ask_at, self._asking = now + self._wait, True
        return Ask(self.name).packed()

    def next_at(self, now: float) -> float:
        """Return when there is a frame to send, if nothing comes until then."""
        return now if self._queue else self._ask_at

    def receive(self, raw: bytes, now: float) -> None:
        """Take a frame of the gateway; what belongs to another transaction is ignored."""
        match unpacked(raw):
            case Need(name, count) if name == self.name and self._asking and not self._queue:
                self._asking, self._wait = False, self.patience
                self._send_more(self._count if count == EVERYTHING else min(count, self._count))
            case Report(name) as report if name == self.name:
                if report.status.is_final:
                    self.report = report
                else:
                    self.wait_report, self._asking, self._ask_at = report, False, now + self._wait
            case _:
                pass

    def is_over(self, now: float) -> bool:
        """Tell whether there is a report, or no time left."""
        return self.report is not None or now >= self.give_up_at

    def _send_more(self, count: int) -> None:
        for _ in range(count + count // _SPARE):
            self._queue.append(self._next)
            self._next = (self._next + 1) % MOST_FRAGMENTS
