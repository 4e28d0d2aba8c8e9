"""A trial run ends before any app is paused for what it takes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import ErrorCode
from archipelago.performance.resource_manager.disk_level import DiskLevel, disk_level
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp
from archipelago.performance.resource_manager.pauses import HostRoom, Pauses
from archipelago.performance.resource_manager.trial_room import TrialEnds, least_free, no_room

GIB = 1024**3
ORDER = (RankedApp("notes", Rank.BACKGROUND), RankedApp("knots", Rank.CHAIN))


def room(free: float, pressure: float | None = 0.0) -> HostRoom:
    return HostRoom(100 * GIB, int(free * GIB), pressure)


@given(total=st.integers(GIB, 8 << 40), start=st.floats(0, 1), later=st.floats(0, 1))
def test_no_level_is_entered_while_a_trial_goes_on(total: int, start: float, later: float) -> None:
    before, after = HostRoom(total, int(start * total), None), HostRoom(total, int(later * total), None)
    least = least_free(before)
    if no_room("notes", least, before) is None and no_room("notes", least, after) is None:
        assert disk_level(after.disk_free, total) <= disk_level(before.disk_free, total) < DiskLevel.SCARCE


def test_it_ends_before_the_owner_is_warned_or_an_app_is_paused() -> None:
    assert least_free(room(60)) > 15 * GIB and least_free(room(12)) > 8 * GIB
    why = no_room("notes", least_free(room(60)), room(15.5))
    assert why is not None and why.code is ErrorCode.DISK_FULL
    assert why.message == (
        "no copy of notes can run now: 15.5 GiB of the disk are free, and 16.5 GiB must stay for the apps"
    )
    assert no_room("notes", least_free(room(12)), room(9)) is None
    assert no_room("notes", least_free(room(8.5)), room(8.5)) is not None, "it does not start at all"


def test_it_ends_as_soon_as_programs_wait_for_memory_and_an_app_is_paused_later() -> None:
    why = no_room("notes", 0, room(60, 21.0))
    assert why is not None and why.code is ErrorCode.BUSY and "wait for memory" in why.message
    assert no_room("notes", 0, room(60, 20.0)) is None and no_room("notes", 0, room(60, None)) is None
    pauses = Pauses()
    pauses.look(room(60, 21.0), 0.0, ORDER, frozenset({"notes"}))
    assert pauses.reasons(ORDER) == {}


def test_no_app_is_paused_for_what_the_kernel_remembers_of_a_trial() -> None:
    pauses, ends, running = Pauses(), TrialEnds(), frozenset({"notes", "knots"})
    for second in range(0, 60, 2):
        # All programs wait until the trial is gone at the fourth second; then the average of ten seconds falls.
        pressure = 100.0 if second < 4 else 100.0 * math.exp(-(second - 4) / 10)
        ends = ends.after(second, ending=second < 4)
        if not ends.come_first(second):
            pauses.look(ends.forgotten(second, room(60, pressure)), second, ORDER, running)
        assert pauses.reasons(ORDER) == {}


def test_apps_are_paused_where_a_trial_does_not_go_or_was_not_to_blame() -> None:
    ends = TrialEnds()
    for second in range(0, 14, 2):
        ends = ends.after(second, ending=True)
        assert ends.come_first(second) == (second < 10)
    gone = ends.after(14, ending=False)
    assert not gone.come_first(14)
    assert gone.forgotten(30, room(60, 90.0)).memory_pressure == 20.0
    assert gone.forgotten(40, room(60, 90.0)).memory_pressure == 90.0
    assert TrialEnds().forgotten(0, room(60, 90.0)).memory_pressure == 90.0
