"""Reports for all lanes: what they have written goes through pytest's own terminal, summary and exit code."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lanes.records import Collected, ModuleDone, Reported, Tail, reports_of

_LOOK_AGAIN = 0.2
"""Seconds; no event tells of a line in a file."""
_LAST = 8000
"""Characters of what a lane printed, where it ended as it should not."""
_GOOD = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(slots=True, kw_only=True)
class LaneProgress:
    """What is known of one lane."""

    number: int
    folder: Path
    tail: Tail = field(init=False)
    collected: list[str] | None = None
    waiting: list[pytest.TestReport] = field(default_factory=list)
    """Reports of the module that it runs: told together, so that the lanes do not talk in between each other."""

    def __post_init__(self) -> None:
        self.tail = Tail(reports_of(self.folder, self.number))

    def ended(self) -> int | None:
        """Return its exit code, once it has one; whoever started it writes it into a file."""
        with contextlib.suppress(FileNotFoundError):
            if text := (self.folder / f"{self.number}.code").read_text().strip():
                return int(text)
        return None


class Reporter:
    """Runs nothing itself."""

    def __init__(self, config: pytest.Config, lanes: Sequence[LaneProgress]) -> None:
        self._config = config
        self._lanes = lanes
        self._ran: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool:
        """Collect nothing: the lanes do."""
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Report until every lane has ended; what one has left out or could not do is a failure."""
        going = list(self._lanes)
        while going:
            ended = {lane.number: lane.ended() for lane in going}  # before the last look at what it wrote
            for lane in going:
                self._follow(session, lane)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            for lane in [lane for lane in going if ended[lane.number] is not None]:
                going.remove(lane)
                self._tell(lane)
                self._check_end(lane, ended[lane.number])
            if going:
                time.sleep(_LOOK_AGAIN)
        self._check_complete()
        return True

    def _follow(self, session: pytest.Session, lane: LaneProgress) -> None:
        for record in lane.tail.records():
            match record:
                case Collected(ids):
                    lane.collected = ids
                    session.testscollected = max(session.testscollected, len(ids))
                case Reported(data):
                    report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
                    if isinstance(report.longrepr, list):
                        report.longrepr = tuple(report.longrepr)  # why it was skipped; JSON has no tuples
                    lane.waiting.append(report)
                case ModuleDone():
                    self._tell(lane)
                    self._config.hook.pytest_module_done(done=record)

    def _tell(self, lane: LaneProgress) -> None:
        hook = self._config.hook
        for report in lane.waiting:
            if report.when == "setup":
                hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            hook.pytest_runtest_logreport(report=report)
            if report.when == "teardown":
                self._ran.add(report.nodeid)
                hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
        lane.waiting.clear()

    def _check_end(self, lane: LaneProgress, code: int | None) -> None:
        if code in _GOOD and lane.collected is not None:
            return
        log = lane.folder / f"{lane.number}.log"
        text = log.read_text(errors="replace")[-_LAST:] if log.exists() else ""
        self._fail(f"lane {lane.number}", f"The lane ended with code {code}. It printed at last:\n{text}")

    def _check_complete(self) -> None:
        """Have every test that a lane has found been run in one of them."""
        collected = [(lane.number, lane.collected) for lane in self._lanes if lane.collected is not None]
        if not collected:
            return
        (_, first), *others = collected
        for number, found in others:
            if found != first:
                self._fail(f"lane {number}", "It found other tests than the first lane, so some may not have run.")
        if missing := [test for test in first if test not in self._ran]:
            self._fail("lanes", f"{len(missing)} tests did not run to their end:\n" + "\n".join(missing))

    def _fail(self, name: str, why: str) -> None:
        report = pytest.TestReport(name, (name, None, name), {}, "failed", why, "call")
        self._config.hook.pytest_runtest_logreport(report=report)
