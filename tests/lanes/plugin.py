"""The options and hooks of the lanes; `tests/conftest.py` loads it."""

from pathlib import Path

import pytest

from lanes.forks import ForkedLanes
from lanes.lane import Lane, Light
from lanes.records import ModuleDone
from lanes.reporter import LaneProgress, Reporter
from lanes.times import FolderTimes


class Hooks:
    """Hooks of our own."""

    @pytest.hookspec
    def pytest_module_done(self, done: ModuleDone) -> None:
        """A lane has run all tests of a module."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register our own hooks."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `scripts/test` and `tests/conftest.py` use."""
    group = parser.getgroup("lanes")
    group.addoption("--lanes-folder", type=Path, help="where the lanes of this run write")
    group.addoption("--lanes", type=int, default=0, help="report what so many lanes do, and run nothing")
    group.addoption("--lane", type=int, default=0, help="be the lane of this number")
    group.addoption("--light", choices=list(Light), help="run what needs no containers first, or last")
    group.addoption("--forks", type=int, default=0, help="collect once, then run the tests in so many forks")


def pytest_configure(config: pytest.Config) -> None:
    """Take our part."""
    config.addinivalue_line("markers", "lane(number): only this lane runs the tests of the module")
    config.addinivalue_line("markers", "alone: no other lane runs a test with containers at the same time")
    config.addinivalue_line("markers", "no_containers: it makes and builds none, so it may run beside what runs alone")
    config.addinivalue_line("markers", "waits: it needs less than half of a processor, so it is started before others")
    config.addinivalue_line("markers", "long: it takes most of a minute or more, so it is started before others")
    folder, lane, lanes = (config.getoption(name) for name in ("lanes_folder", "lane", "lanes"))
    if lane:
        light = Light(config.getoption("light")) if config.getoption("light") else None
        config.pluginmanager.register(Lane(config, folder, lane, light=light), "lane")
    else:
        config.pluginmanager.register(FolderTimes(), "folder-times")
    if lanes:
        progress = [LaneProgress(number=number, folder=folder) for number in range(1, lanes + 1)]
        config.pluginmanager.register(Reporter(config, progress), "lanes-reporter")
    elif forks := config.getoption("forks"):
        config.pluginmanager.register(ForkedLanes(config, forks), "forked-lanes")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say in how many lanes the tests run."""
    count = config.getoption("lanes") or config.getoption("forks")
    return [f"lanes: {count} side by side"] if count else []
