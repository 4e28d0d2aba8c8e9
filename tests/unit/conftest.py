"""Fixtures of the unit tests."""

import os
from collections.abc import Iterator

import pytest

from support.preloaded_python import PreloadedPython, preloaded_python


@pytest.fixture(scope="session")
def daemon_python() -> Iterator[PreloadedPython]:
    """Python that has what the daemon imports."""
    with preloaded_python("archipelago.daemon", environment=os.environ) as python:
        yield python
