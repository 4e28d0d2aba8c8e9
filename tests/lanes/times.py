"""How long each folder of tests takes, at the end of a run."""

from collections import defaultdict
from dataclasses import dataclass

import pytest

from lanes.folders import folder_of
from lanes.records import ModuleDone

_SLOWEST = 10


@dataclass(slots=True)
class Spent:
    """What the tests of one folder took."""

    tests: int = 0
    seconds: float = 0.0
    cpu: float | None = None
    """Processor time; only lanes count it."""


class FolderTimes:
    """Adds up what tests take, and prints it before pytest's last line."""

    def __init__(self) -> None:
        self._folders: dict[str, Spent] = defaultdict(Spent)
        self._modules: dict[str, float] = defaultdict(float)
        self._cpu: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the time of one phase of a test."""
        module = report.nodeid.partition("::")[0]
        spent = self._folders[folder_of(module)]
        spent.tests += report.when == "call"
        spent.seconds += report.duration
        self._modules[module] += report.duration

    def pytest_module_done(self, done: ModuleDone) -> None:
        """Count the processor time of a module."""
        spent = self._folders[folder_of(done.path)]
        spent.cpu = (spent.cpu or 0.0) + done.cpu
        self._cpu[done.path] = done.cpu

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each folder, and the modules that took longest."""
        if len(self._modules) < 2:
            return
        terminalreporter.section("time by folder")
        for folder, spent in sorted(self._folders.items(), key=lambda item: -item[1].seconds):
            cpu = "" if spent.cpu is None else f"  processor {spent.cpu:7.1f} s"
            terminalreporter.write_line(f"{folder:22}{spent.tests:6} tests {spent.seconds:8.1f} s{cpu}")
        slowest = sorted(self._modules.items(), key=lambda item: -item[1])[:_SLOWEST]
        terminalreporter.write_line("longest: " + ", ".join(f"{name} {taken:.0f} s" for name, taken in slowest))
        if hardest := sorted(self._cpu.items(), key=lambda item: -item[1])[:_SLOWEST]:
            named = ", ".join(f"{name} {taken:.0f} s" for name, taken in hardest)
            terminalreporter.write_line(f"most processor time: {named}")
