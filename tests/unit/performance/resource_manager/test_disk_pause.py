"""Which ranks are paused because the disk is short, over random histories of a disk and of how fast apps stop."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.performance.resource_manager.disk_level import DiskLevel, entered_below, left_at
from archipelago.performance.resource_manager.disk_pause import ALL_RANKS, DiskPause
from archipelago.performance.resource_manager.pause_order import Rank

TOTAL = 100 << 30
SCARCE = entered_below(DiskLevel.SCARCE, TOTAL) - 1
CRITICAL = entered_below(DiskLevel.CRITICAL, TOTAL) - 1
ROOM = left_at(DiskLevel.LITTLE, TOTAL)


def test_background_apps_are_paused_first_and_the_rest_once_they_are_down() -> None:
    down: set[Rank] = set()
    pause = DiskPause().after(SCARCE, TOTAL, down.__contains__)
    assert [pause.pauses(rank) for rank in Rank] == [True, False, False, False]
    pause = pause.after(CRITICAL, TOTAL, down.__contains__)
    assert pause.below == Rank.FUNDS
    for rank in Rank:
        down.add(rank)
        pause = pause.after(CRITICAL, TOTAL, down.__contains__)
        assert pause.below == min(rank + 2, ALL_RANKS)


def test_all_come_back_the_last_one_first() -> None:
    pause = DiskPause(DiskLevel.CRITICAL, ALL_RANKS)
    seen = []
    while pause.below:
        pause = pause.after(ROOM, TOTAL, lambda _: False)
        seen.append([rank for rank in Rank if not pause.pauses(rank)])
    assert seen == [list(Rank)[place:] for place in (3, 2, 1, 0)]


def test_a_first_look_where_nothing_runs_lets_nothing_start() -> None:
    assert DiskPause().after(CRITICAL, TOTAL, lambda _: True).below == ALL_RANKS


@given(st.lists(st.tuples(st.floats(0, 0.3), st.frozensets(st.sampled_from(Rank)))))
def test_none_is_paused_while_one_that_comes_before_it_runs(history: list[tuple[float, frozenset[Rank]]]) -> None:
    """`slow` are the ranks of which something still runs although it is paused."""
    pause = DiskPause()
    for share, slow in history:
        before = pause

        def is_down(rank: Rank, before: DiskPause = before, slow: frozenset[Rank] = slow) -> bool:
            return before.pauses(rank) and rank not in slow

        pause = before.after(int(share * TOTAL), TOTAL, is_down)
        for rank in Rank:
            if pause.pauses(rank) and not before.pauses(rank):
                assert all(is_down(earlier) for earlier in Rank if earlier < rank)
        assert pause.below >= before.below - 1


@given(st.lists(st.integers(SCARCE + 1, left_at(DiskLevel.SCARCE, TOTAL) - 1), max_size=30), st.booleans())
def test_between_two_marks_nothing_is_paused_and_nothing_comes_back(frees: list[int], paused: bool) -> None:
    pause = start = DiskPause(DiskLevel.SCARCE, Rank.FUNDS) if paused else DiskPause()
    for free in frees:
        pause = pause.after(free, TOTAL, lambda _: True)
        assert pause.below == start.below
