"""What the node says of the apps that it has paused."""

import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.performance import host
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp
from archipelago.performance.resource_manager.pauses import HostRoom, Pauses

GIB = 1024**3
ORDER = (RankedApp("notes", Rank.BACKGROUND), RankedApp("photos", Rank.BACKGROUND), RankedApp("knots", Rank.CHAIN))
ALL = frozenset(each.app for each in ORDER)


def room(free: float, pressure: float | None = 0.0) -> HostRoom:
    return HostRoom(100 * GIB, int(free * GIB), pressure)


def test_each_app_says_why_it_is_paused_and_when_it_comes_back() -> None:
    pauses = Pauses()
    for now in (0.0, 10.0):
        pauses.look(room(50, 30), now, ORDER, ALL)
    assert pauses.paused(ORDER) == ((), ("notes",))
    assert "memory" in pauses.reasons(ORDER)["notes"]
    pauses.look(room(7, 30), 12, ORDER, ALL)
    assert pauses.paused(ORDER) == (("notes", "photos"), ())
    assert pauses.reasons(ORDER)["notes"] == (
        "the node paused it because less than 8.0 GiB of the disk were free; it starts again by itself when 10.4 GiB "
        "are free"
    )
    pauses.look(room(2, 0), 14, ORDER, frozenset({"knots"}))
    assert "less than 3.0 GiB" in pauses.reasons(ORDER)["knots"]


def test_a_reason_stays_the_same_while_numbers_change() -> None:
    pauses = Pauses()
    pauses.look(room(7), 0, ORDER, ALL)
    before = pauses.reasons(ORDER)
    pauses.look(room(6.5), 2, ORDER, ALL)
    assert pauses.reasons(ORDER) == before


def test_nothing_new_comes_onto_a_disk_that_is_too_full() -> None:
    pauses = Pauses()
    pauses.require_room()
    pauses.look(room(14), 0, (), frozenset())
    pauses.require_room()
    pauses.look(room(7), 2, (), frozenset())
    with pytest.raises(NodeError, match=r"7\.0 GiB of 100\.0 GiB are free") as refused:
        pauses.require_room()
    assert refused.value.code is ErrorCode.DISK_FULL
    assert "10.4 GiB" in refused.value.hint


def test_what_runs_before_anything_is_known_of_it_could_be_of_any_rank() -> None:
    pauses = Pauses()
    pauses.look(room(1), 0, (), frozenset({"somebody"}))
    assert pauses.paused(ORDER) == (("notes", "photos"), ())
    pauses = Pauses()
    pauses.look(room(1), 0, (), frozenset())
    assert pauses.paused(ORDER) == (("notes", "photos", "knots"), ())


def test_this_host_says_how_short_memory_is_or_nothing() -> None:
    pressure = host.memory_pressure()
    assert pressure is None or 0 <= pressure <= 100
