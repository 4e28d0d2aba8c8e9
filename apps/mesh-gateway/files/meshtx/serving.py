"""The gateway's program: listens over Reticulum, asks the node, and reports. Its settings come from a file of JSON."""

import json
import queue
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from meshtx import over_reticulum
from meshtx.airtime import Airtime
from meshtx.gateway import Answer, Gateway, Limits, Submission
from meshtx.node_rpc import BitcoinNode

_FIRST_ANNOUNCES = (0.0, 10.0, 60.0)
"""Seconds after the start: the first ones may be lost, or come before the connection."""
_LOOK = 10.0
"""Seconds between two looks at the state."""
_ANSWERS = 1000
"""Answers that wait for air time, at most; the oldest goes, since its sender asks again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the owner and the node have set."""

    host: str
    """Of the Reticulum instance."""
    port: int
    key: bytes
    node: BitcoinNode
    network: str
    """The chain that the node should follow, as its options call it."""
    announce_minutes: int
    transactions_per_minute: int
    bitrate: int
    """Bits in a second."""
    duty: int
    """Percent."""


def read_settings(path: Path) -> Settings:
    """Return the settings of a file. Raises `ValueError`, `KeyError` or `OSError` where it has none."""
    said = json.loads(path.read_text())
    node = BitcoinNode(**said["node"])
    return Settings(
        **{name: value for name, value in said.items() if name not in ("node", "key")},
        node=node,
        key=bytes.fromhex(said["key"]),
    )


@dataclass(slots=True)
class Service:
    """A gateway at work."""

    end: over_reticulum.GatewayEnd
    gateway: Gateway
    node: BitcoinNode
    airtime: Airtime
    announce_seconds: float
    state: Path
    """File with one line for the health check, and the address in the second."""
    answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=_ANSWERS))
    ended: bool = False
    _announces: deque[float] = field(default_factory=deque)
    _look_at: float = 0.0

    def run(self) -> None:
        """Work until it is told to end."""
        began = time.monotonic()
        self._announces.extend(began + each for each in _FIRST_ANNOUNCES)
        while not self.ended:
            now = time.monotonic()
            self._announce(now)
            for submission in self.gateway.due(now):
                self._submit(submission)
            pause = self._answer()
            if now >= self._look_at:
                self._look_at = now + _LOOK
                self._write_state()
            self._hear(min(pause, 0.5))

    def _hear(self, pause: float) -> None:
        try:
            sender, frame = self.end.heard.get(timeout=max(pause, 0.001))
        except queue.Empty:
            return
        answers, submissions = self.gateway.receive(sender, frame, time.monotonic())
        self.answers.extend(answers)
        for submission in submissions:
            self._submit(submission)

    def _submit(self, submission: Submission) -> None:
        outcome = self.node.submit(submission.transaction)
        txid = outcome.txid.hex() or f"of name {submission.name.hex()}"
        say(f"transaction {txid}: {outcome.status.name.lower()} {outcome.reason}".rstrip())
        self.answers.extend(self.gateway.concluded(submission, outcome, time.monotonic()))

    def _answer(self) -> float:
        """Send what may be sent, and return for how many seconds nothing may be."""
        while self.answers:
            now = time.monotonic()
            wait = self.airtime.wait(len(self.answers[0].frame), now)
            if wait > 0:
                return wait
            answer = self.answers.popleft()
            self.airtime.sent(len(answer.frame), now)
            self.end.send(answer.sender, answer.frame)
        return 0.5

    def _announce(self, now: float) -> None:
        if self._announces and self._announces[0] <= now:
            self._announces.popleft()
            self.end.announce()
            if not self._announces:
                self._announces.append(now + self.announce_seconds)

    def _write_state(self) -> None:
        counts = self.gateway.counts
        if over_reticulum.is_connected():
            said = f"accepted {counts.accepted}, known {counts.known}, refused {counts.refused}"
            if self.gateway.waiting:
                said += f"; {self.gateway.waiting} wait for the node"
        else:
            said = "no connection to Reticulum"
        draft = self.state.with_suffix(".new")
        draft.write_text(f"{said}\n{self.end.address}\n")
        draft.replace(self.state)


def say(text: str) -> None:
    """Write a line to the log."""
    print(text, flush=True)


def serve(settings: Path, state: Path) -> int:
    """Run the gateway until SIGTERM; return the exit code."""
    try:
        wanted = read_settings(settings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"the settings in {settings} cannot be read: {error}", file=sys.stderr)
        return 1
    folder = state.parent / "reticulum"
    over_reticulum.write_configuration(folder, wanted.host, wanted.port)
    over_reticulum.start(folder)
    limits = Limits(
        transactions_per_minute=wanted.transactions_per_minute, transactions_at_once=wanted.transactions_per_minute
    )
    service = Service(
        over_reticulum.GatewayEnd(wanted.key),
        Gateway(limits),
        wanted.node,
        Airtime(wanted.bitrate, wanted.duty / 100, overhead=over_reticulum.OVERHEAD),
        wanted.announce_minutes * 60.0,
        state,
    )

    def end(_number: int, _frame: FrameType | None) -> None:
        service.ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    say(f"address of this gateway: {service.end.address} ({wanted.network})")
    service.run()
    return 0
