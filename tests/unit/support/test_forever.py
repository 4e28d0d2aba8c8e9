"""What is done for ever goes on after errors of both kinds."""

import pytest
import structlog

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.forever import repeat_forever


class EndOfTest(BaseException):
    """Nothing ends the work but what is no `Exception`, as a cancel is none."""


async def test_errors_are_logged_and_the_work_goes_on() -> None:
    ends = [NodeError(ErrorCode.BUSY, "busy"), OSError("no disk"), RuntimeError("a mistake"), None, EndOfTest()]

    async def look() -> None:
        if (end := ends.pop(0)) is not None:
            raise end

    with structlog.testing.capture_logs() as logs, pytest.raises(EndOfTest):
        await repeat_forever(look, 0, structlog.get_logger(), "nothing is looked at")
    assert [each["log_level"] for each in logs] == ["warning", "warning", "error"]
    assert {each["event"] for each in logs} == {"nothing is looked at"}
