"""Which apps are paused because programs wait for memory."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.performance.resource_manager.memory_pause import MemoryPause
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp

ORDER = (*(RankedApp(app, Rank.BACKGROUND) for app in "abc"), RankedApp("lnd", Rank.LIGHTNING))
ALL = frozenset(each.app for each in ORDER)


def run(pause: MemoryPause, start: float, seconds: float, pressure: float | None) -> MemoryPause:
    """Look every two seconds, while apps that are paused stop at once."""
    for step in range(int(seconds // 2) + 1):
        pause = pause.after(start + 2 * step, pressure, ORDER, ALL - set(pause.apps))
    return pause


def test_background_apps_are_paused_one_after_the_other_and_no_others() -> None:
    assert run(MemoryPause(), 0, 8, 21).apps == ()
    assert run(MemoryPause(), 0, 10, 21).apps == ("a",)
    assert run(MemoryPause(), 0, 20, 21).apps == ("a", "b")
    assert run(MemoryPause(), 0, 600, 99).apps == ("a", "b", "c")


def test_they_come_back_in_reverse_order_once_it_is_calm() -> None:
    pause = run(MemoryPause(), 0, 20, 50)
    assert run(pause, 22, 50, 1).apps == ("a", "b")
    assert run(pause, 22, 60, 1).apps == ("a",)
    assert run(pause, 22, 120, 1).apps == ()
    assert run(pause, 22, 600, 10).apps == ("a", "b")  # neither high nor calm


def test_one_that_came_back_too_early_waits_longer_the_next_time() -> None:
    pause = run(run(MemoryPause(), 0, 10, 50), 12, 60, 0)
    assert pause.apps == ()
    pause = run(pause, 74, 10, 50)
    assert pause.apps == ("a",)
    assert run(pause, 86, 110, 0).apps == ("a",)
    assert run(pause, 86, 120, 0).apps == ()


def test_a_kernel_without_pressure_stall_information_pauses_nothing() -> None:
    assert run(run(MemoryPause(), 0, 20, 50), 22, 2, None) == MemoryPause()


def test_an_app_that_was_removed_is_not_paused_any_more() -> None:
    pause = run(MemoryPause(), 0, 20, 50)
    assert pause.after(22, 50, ORDER[1:], frozenset()).apps == ("b",)


@given(st.lists(st.tuples(st.floats(0.5, 100), st.floats(0, 100))))
def test_the_first_of_the_order_are_paused_and_each_change_is_one_app(history: list[tuple[float, float]]) -> None:
    pause, now = MemoryPause(), 0.0
    names = [each.app for each in ORDER if each.rank is Rank.BACKGROUND]
    for seconds, pressure in history:
        now, before = now + seconds, pause
        pause = pause.after(now, pressure, ORDER, ALL - set(pause.apps))
        assert list(pause.apps) == names[: len(pause.apps)]
        assert abs(len(pause.apps) - len(before.apps)) <= 1
        if len(pause.apps) > len(before.apps):
            assert pressure > 20
        if len(pause.apps) < len(before.apps):
            assert pressure < 5
