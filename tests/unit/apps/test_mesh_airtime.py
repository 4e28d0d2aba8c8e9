"""The duty cycle of the mesh gateway and its senders, and the rates of senders."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshtx.airtime import Airtime
from meshtx.rates import Rates


@given(
    st.lists(st.tuples(st.integers(1, 200), st.floats(0, 30)), min_size=1, max_size=150),
    st.sampled_from((0.01, 0.1, 0.5, 1.0)),
)
def test_no_window_has_more_than_its_share_and_no_two_frames_overlap(
    wishes: list[tuple[int, float]], share: float
) -> None:
    airtime, now, sent = Airtime(1000, share, window=400.0, overhead=10), 0.0, list[tuple[float, float]]()
    for size, pause in wishes:
        now += pause
        now += airtime.wait(size, now)
        assert airtime.wait(size, now) <= 1e-6
        airtime.sent(size, now)
        sent.append((now, airtime.takes(size)))
    for began, _ in sent:
        within = [took for start, took in sent if began <= start and start + took <= began + 400.0]
        assert sum(within) <= share * 400.0 + 1e-6
    for (began, took), (later, _) in itertools.pairwise(sent):
        assert later >= began + took - 1e-6


def test_a_frame_waits_no_longer_than_it_has_to() -> None:
    airtime = Airtime(800, 0.1, window=100.0)  # 10 s of air time: a thousand bytes
    for _ in range(10):
        now = airtime.wait(100, 0.0)
        assert now <= 9.0
        airtime.sent(100, now)
    assert airtime.wait(100, 10.0) == pytest.approx(91.0), "the first frame leaves the window at 101 s"


def test_a_frame_that_could_never_be_sent_is_an_error() -> None:
    with pytest.raises(ValueError, match="a frame of 500 bytes takes 40 s, and 36 s are allowed"):
        Airtime(100, 0.01).wait(500, 0.0)
    with pytest.raises(ValueError, match="at most 1"):
        Airtime(100, 1.5)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3), st.floats(0.1, 4)), max_size=200))
def test_no_sender_gets_more_than_rate_and_burst_and_memory_is_bounded(
    wishes: list[tuple[int, float, float]],
) -> None:
    rates, now, got = Rates(each=1.0, burst=5.0, most=3), 0.0, list[tuple[float, int, float]]()
    for sender, pause, units in wishes:
        now += pause
        if rates.take(bytes((sender,)), units, now):
            got.append((now, sender, units))
        assert len(rates) <= 3
    for began, sender, _ in got:
        taken = sum(units for at, who, units in got if who == sender and at >= began)
        assert taken <= 5.0 + (now - began) + 1e-6


def test_what_is_refused_is_not_counted() -> None:
    rates = Rates(each=1.0, burst=2.0)
    assert rates.take(b"a", 2, 0.0)
    assert not any(rates.take(b"a", 1, 0.5) for _ in range(50))
    assert rates.take(b"a", 1, 1.0)
    assert rates.take(b"b", 2, 1.0), "another sender has a rate of his own"
