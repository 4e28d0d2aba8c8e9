"""Fixtures of the unit tests."""

from collections.abc import Iterator

import pytest

from support.preloaded_python import PreloadedPython
from support.preloads import DAEMON, preloaded, start_preloads
from support.processor_time import ProcessorTime


def pytest_configure(config: pytest.Config) -> None:
    """Start what all forks use."""
    if config.getoption("forks") and not config.getoption("collectonly"):
        start_preloads(config)


@pytest.fixture(scope="session")
def daemon_python(pytestconfig: pytest.Config) -> Iterator[PreloadedPython]:
    """Python that has what the daemon imports."""
    with preloaded(DAEMON, pytestconfig) as python:
        yield python


@pytest.fixture
def processor_time() -> ProcessorTime:
    """What the test spends from here on."""
    return ProcessorTime()
