"""Fixtures of the unit tests."""

import pytest
import structlog

from support.processor_time import ProcessorTime


def pytest_configure() -> None:
    """Have the log show exceptions as Python does: to colour and frame one takes half a second."""
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])


@pytest.fixture
def processor_time() -> ProcessorTime:
    """What the test spends from here on."""
    return ProcessorTime()
