"""What the node says of the apps that it has paused."""

import pytest

from archipelago.api.system import PauseCause
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance import host
from archipelago.performance.resource_manager.disk_quota import QuotaLevel
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp
from archipelago.performance.resource_manager.pauses import HostRoom, Pauses

GIB = 1024**3
ORDER = (RankedApp("notes", Rank.BACKGROUND), RankedApp("photos", Rank.BACKGROUND), RankedApp("knots", Rank.CHAIN))
ALL = frozenset(each.app for each in ORDER)


def paused(pauses: Pauses) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the apps that are paused for the disk, and for memory."""
    return pauses.paused(ORDER, PauseCause.DISK), pauses.paused(ORDER, PauseCause.MEMORY)


def room(free: float, pressure: float | None = 0.0) -> HostRoom:
    return HostRoom(100 * GIB, int(free * GIB), pressure)


def test_each_app_says_why_it_is_paused_and_when_it_comes_back() -> None:
    pauses = Pauses()
    for now in (0.0, 10.0):
        pauses.look(room(50, 30), now, ORDER, ALL)
    assert paused(pauses) == ((), ("notes",))
    assert "memory" in pauses.reasons(ORDER)["notes"]
    pauses.look(room(7, 30), 12, ORDER, ALL)
    assert paused(pauses) == (("notes", "photos"), ())
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
    assert paused(pauses) == (("notes", "photos"), ())
    pauses = Pauses()
    pauses.look(room(1), 0, (), frozenset())
    assert paused(pauses) == (("notes", "photos", "knots"), ())


def test_an_app_that_fills_its_part_of_the_disk_is_paused_unless_money_depends_on_it() -> None:
    pauses = Pauses()
    pauses.look(room(50), 0, ORDER, ALL)
    pauses.look_at_volumes({"notes": 3 * GIB, "photos": GIB, "knots": 3 * GIB}, dict.fromkeys(ALL, 2 * GIB))
    assert pauses.causes(ORDER) == {"notes": PauseCause.DISK_LIMIT}
    assert pauses.reasons(ORDER)["notes"] == (
        "the node paused it because its data takes more than 2.0 GiB; to let it take more: "
        "archipelago limits notes --disk SIZE"
    )
    assert pauses.at_disk_limit(QuotaLevel.OVER) == {"notes", "knots"}
    pauses.look_at_volumes({"notes": 3 * GIB}, {"notes": 4 * GIB})
    assert pauses.causes(ORDER) == {}


def test_the_cause_that_lasts_longest_is_said() -> None:
    pauses = Pauses()
    for now in (0.0, 10.0):
        pauses.look(room(50, 30), now, ORDER, ALL)
    assert pauses.causes(ORDER) == {"notes": PauseCause.MEMORY}
    pauses.look_at_volumes({"notes": 3}, {"notes": 2})
    assert pauses.causes(ORDER) == {"notes": PauseCause.DISK_LIMIT}
    pauses.look(room(7, 30), 12, ORDER, ALL)
    assert pauses.causes(ORDER) == {"notes": PauseCause.DISK, "photos": PauseCause.DISK}


def test_this_host_says_how_short_memory_is_or_nothing() -> None:
    pressure = host.memory_pressure()
    assert pressure is None or 0 <= pressure <= 100
