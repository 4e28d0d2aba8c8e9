"""A restic that hangs is an error, and one that is slow is not."""

import pytest

from archipelago.backups.restic.says import ByteCount
from archipelago.backups.restic.stall import StallWatch
from archipelago.errors import ErrorCode, NodeError


def test_a_backup_that_makes_progress_may_take_any_time() -> None:
    now = 0.0
    watch = StallWatch(600, "usb", lambda: now)
    for done in range(100):
        now += 599
        watch.require_progress(ByteCount(done, 100))


def test_the_same_progress_for_too_long_is_an_error() -> None:
    now = 0.0
    watch = StallWatch(600, "usb", lambda: now)
    watch.require_progress(ByteCount(100, 100))
    now = 600.0
    watch.require_progress(ByteCount(100, 100))
    now = 601.0
    with pytest.raises(NodeError, match="usb for 10 min") as ended:
        watch.require_progress(ByteCount(100, 100))
    assert ended.value.code is ErrorCode.TIMEOUT and ended.value.hint
