"""One lane: takes the modules that no other lane has taken, runs them, and writes down what came of it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path

import pytest

from lanes.folders import folder_of
from lanes.records import Collected, ModuleDone, Record, Reported, reports_of, to_line

Module = list[pytest.Item]

_FIRST = ("chaos", "e2e", "security", "integration")
"""Folders of which a module may take minutes: what is begun last should be short, so that all lanes end together."""


class Light(StrEnum):
    """When a lane runs modules that need no containers, where one lane starts with them."""

    FIRST = "first"
    LAST = "last"


class Lane:
    """Runs its part of the tests in the place of pytest's own loop."""

    def __init__(
        self,
        config: pytest.Config,
        folder: Path,
        number: int,
        cpu: Callable[[], float] | None = None,
        *,
        light: Light | None = None,
    ) -> None:
        self._config = config
        self._light = light
        self._cpu = cpu or cpu_seconds
        self._claims = folder / "claims"
        self._turn, self._gate = folder / "claims" / ".turn", folder / "claims" / ".gate"
        self._number = number
        self._claims.mkdir(exist_ok=True)
        reports_of(folder, number).parent.mkdir(exist_ok=True)
        self._output = reports_of(folder, number).open("x", buffering=1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run module after module."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        self._write(Collected([item.nodeid for item in session.items]))
        turns = self._turns(session.items)
        module = next(turns, None)
        while module is not None:
            module = self._run(session, module, turns)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a report down."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._write(Reported(data))

    def _run(self, session: pytest.Session, module: Module, turns: Iterator[Module]) -> Module | None:
        """Run a module; return the next one, which is taken only when the last test of this one begins."""
        with self._turn_of(module):
            return self._run_in_turn(session, module, turns)

    def _run_in_turn(self, session: pytest.Session, module: Module, turns: Iterator[Module]) -> Module | None:
        began, cpu = time.monotonic(), self._cpu()
        upcoming: Module | None = None
        for index, item in enumerate(module):
            if index + 1 < len(module):
                following: pytest.Item | None = module[index + 1]
            else:
                # What belongs to the whole session is kept if there is a next module.
                upcoming = next(turns, None)
                following = upcoming[0] if upcoming else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        path = module[0].nodeid.partition("::")[0]
        self._write(ModuleDone(path, time.monotonic() - began, self._cpu() - cpu))
        return upcoming

    @contextlib.contextmanager
    def _turn_of(self, module: Module) -> Iterator[None]:
        """Wait until the module may run: one that is marked so has the host to itself.

        Modules without containers do not disturb it, and run meanwhile.
        """
        if module[0].get_closest_marker("no_containers") is not None:
            yield
            return
        alone = module[0].get_closest_marker("alone") is not None
        with self._turn.open("a") as turn:
            with self._gate.open("a") as gate:  # or whoever waits for all others would wait for their next modules too
                fcntl.flock(gate, fcntl.LOCK_EX)
                fcntl.flock(turn, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield

    def _turns(self, items: Iterable[pytest.Item]) -> Iterator[Module]:
        modules = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
        for module in sorted(modules, key=self._rank):
            if self._is_ours(module) and self._claim(module):
                yield module

    def _rank(self, module: Module) -> tuple[bool, bool, bool, bool, int, bool, bool]:
        later = self._light is not None and is_light(module) is (self._light is Light.LAST)
        return later, *rank(module)

    def _is_ours(self, module: Module) -> bool:
        mark = module[0].get_closest_marker("lane")
        return mark is None or mark.args[0] == self._number

    def _claim(self, module: Module) -> bool:
        """Take a module, if no other lane has."""
        name = module[0].nodeid.partition("::")[0].replace("/", "+")
        try:
            os.close(os.open(self._claims / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _write(self, record: Record) -> None:
        self._output.write(to_line(record))


def is_light(module: Module) -> bool:
    """Tell whether a module needs no containers, so that it may run beside anything."""
    nodeid = module[0].nodeid
    without = folder_of(nodeid) == "unit" or "integration/programs/" in nodeid
    return without or module[0].get_closest_marker("no_containers") is not None


def rank(module: Module) -> tuple[bool, bool, bool, int, bool, bool]:
    """Return where in the order a module stands.

    First what runs alone, then what may run beside it, what waits most of its time, for as long as the light lane needs
    a whole processor, and then folders whose modules take long, with those first that take longest.
    """
    folder = folder_of(module[0].nodeid)
    place = _FIRST.index(folder) if folder in _FIRST else len(_FIRST)
    marks = ("alone", "no_containers", "waits", "long", "lane")
    alone, beside, waits, long, lane = (module[0].get_closest_marker(name) is None for name in marks)
    return alone, beside, waits, place, long, lane


def cpu_seconds() -> float:
    """Return the processor time of the whole instance until now: of the tests, the nodes, Podman and all containers."""
    group = Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip()
    try:
        usage = Path(f"/sys/fs/cgroup{group}").parent.joinpath("cpu.stat").read_text()
    except OSError:  # no cgroup of an instance: at least of the tests
        return sum(os.times()[:4])
    return int(usage.split("usage_usec ")[1].split()[0]) / 1e6
