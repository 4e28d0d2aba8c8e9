"""Fixtures of the unit tests."""

import pytest

from support.processor_time import ProcessorTime


@pytest.fixture
def processor_time() -> ProcessorTime:
    """What the test spends from here on."""
    return ProcessorTime()
