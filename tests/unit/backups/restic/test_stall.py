"""A restic that hangs ends with an error, and one that is slow does not."""

import pytest

from archipelago.backups.restic.says import ByteCount
from archipelago.backups.restic.stall import StallWatch
from archipelago.errors import ErrorCode, NodeError


def test_who_gets_on_may_take_as_long_as_it_takes() -> None:
    now = 0.0
    watch = StallWatch(600, "usb", lambda: now)
    for done in range(100):
        now += 599
        watch.require_progress(ByteCount(done, 100))


def test_who_says_the_same_for_too_long_has_stopped() -> None:
    now = 0.0
    watch = StallWatch(600, "usb", lambda: now)
    watch.require_progress(ByteCount(100, 100))
    now = 600.0
    watch.require_progress(ByteCount(100, 100))
    now = 601.0
    with pytest.raises(NodeError, match="usb for 10 min") as ended:
        watch.require_progress(ByteCount(100, 100))
    assert ended.value.code is ErrorCode.TIMEOUT and ended.value.hint
