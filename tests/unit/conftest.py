"""Fixtures of the unit tests."""

import os
from collections.abc import Iterator

import pytest

from support.checkout import SOURCE
from support.preloaded_python import PreloadedPython, preloaded_python
from support.processor_time import ProcessorTime


@pytest.fixture(scope="session")
def daemon_python() -> Iterator[PreloadedPython]:
    """Python that has what the daemon imports."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with preloaded_python("archipelago.daemon", environment=environment) as python:
        yield python


@pytest.fixture
def processor_time() -> ProcessorTime:
    """What the test spends from here on."""
    return ProcessorTime()
