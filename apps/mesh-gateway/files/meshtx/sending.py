"""Sends transactions through a link, some at a time, and waits for their reports."""

import queue
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from meshtx.airtime import Airtime
from meshtx.delivery import Delivery

_DEAF = 8
"""Times the patience without a frame from the gateway: the link is made again, as it may be open on this end alone."""


class Carrier(Protocol):
    """A way to one gateway."""

    heard: queue.Queue[bytes]

    def connect(self, until: float) -> bool:
        """Open the way; tell whether that worked before a monotonic time."""

    def is_open(self) -> bool:
        """Tell whether frames can be sent."""

    def send(self, frame: bytes) -> None:
        """Send a frame, or lose it."""

    def close(self) -> None:
        """Close the way."""


@dataclass(slots=True)
class Sending:
    """Many deliveries over one carrier."""

    carrier: Carrier
    airtime: Airtime
    largest_frame: int
    patience: float
    """Seconds."""
    time_limit: float
    """Seconds for each transaction, from its turn on."""
    at_once: int = 16
    frames: int = 0
    octets: int = 0
    """Bytes of frames sent."""
    _last_heard: float = field(init=False, default=0.0)

    def run(self, transactions: Iterable[bytes], ended: Callable[[Delivery], None]) -> None:
        """Send all transactions; `ended` is called with each delivery once it has a report or no time left."""
        waiting = iter(transactions)
        running: list[Delivery] = []
        while True:
            now = time.monotonic()
            running = self._ended(running, ended, now)
            while len(running) < self.at_once and (one := next(waiting, None)) is not None:
                running.append(Delivery(one, self.largest_frame, self.patience, now + self.time_limit))
            if not running:
                return
            if not self._keep_open(max(each.give_up_at for each in running)):
                continue
            pause = self._send_due(running)
            self._hear(running, pause)

    def _ended(self, running: list[Delivery], ended: Callable[[Delivery], None], now: float) -> list[Delivery]:
        for each in running:
            if each.is_over(now):
                ended(each)
        return [each for each in running if not each.is_over(now)]

    def _keep_open(self, until: float) -> bool:
        now = time.monotonic()
        if self.carrier.is_open() and now - self._last_heard < max(_DEAF * self.patience, 2.0):
            return True
        self.carrier.close()
        opened = self.carrier.connect(until)
        self._last_heard = time.monotonic()
        return opened

    def _send_due(self, running: list[Delivery]) -> float:
        """Send what may be sent now, and return for how many seconds there is nothing to send."""
        for each in running:
            now = time.monotonic()
            if each.next_at(now) > now:
                continue
            if (wait := self.airtime.wait(self.largest_frame, now)) > 0:
                return wait
            frame = each.frame(now)
            if frame is not None:
                self.carrier.send(frame)
                self.airtime.sent(len(frame), now)
                self.frames, self.octets = self.frames + 1, self.octets + len(frame)
        now = time.monotonic()
        return max(0.0, min(each.next_at(now) for each in running) - now)

    def _hear(self, running: list[Delivery], pause: float) -> None:
        try:
            frame = self.carrier.heard.get(timeout=min(pause, 0.5)) if pause > 0 else self.carrier.heard.get_nowait()
            while True:
                self._last_heard = time.monotonic()
                for each in running:
                    each.receive(frame, self._last_heard)
                frame = self.carrier.heard.get_nowait()
        except queue.Empty:
            pass
