"""When an update is installed by itself, whatever the clock does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.schedule import is_due
from archipelago.container.operations.automatic.decision import (
    EVEN,
    PROVED,
    BackedUp,
    EvenClock,
    Moment,
    Turn,
    UpdateOffer,
    Window,
    decide,
)

NIGHT = datetime(2026, 11, 29, 4, 30, tzinfo=UTC)
WINDOW = Window()
GOOD = BackedUp("node/usb", newest=NIGHT - timedelta(minutes=20), passed=True, proved=NIGHT - timedelta(days=3))
OFFER = UpdateOffer("2.0")
MOMENT = Moment(NIGHT, EVEN, backups=((GOOD,),))

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
WINDOWS = st.builds(Window, st.integers(0, 23), st.integers(0, 23))
TEXTS = st.sampled_from(("", "why"))
NAMES = st.sampled_from(((), ("one",)))
OFFERS = st.builds(
    UpdateOffer,
    st.just("2.0"),
    tried=st.booleans(),
    failure=TEXTS,
    problem=TEXTS,
    rights=NAMES,
    installs=NAMES,
    others=NAMES,
    leads_back=st.booleans(),
    funds=st.booleans(),
)
BACKUPS = st.builds(BackedUp, st.text(max_size=4), st.none() | TIMES, passed=st.booleans(), proved=st.none() | TIMES)
MOMENTS = st.builds(
    Moment,
    TIMES,
    st.floats(0, 2 * EVEN),
    busy=st.booleans(),
    healthy=st.booleans(),
    disk_short=st.booleans(),
    backups=st.lists(st.lists(BACKUPS, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple),
)


def test_what_is_as_it_should_be_is_installed_at_night() -> None:
    assert decide(OFFER, MOMENT, WINDOW).turn is Turn.NOW
    assert decide(replace(OFFER, funds=True), MOMENT, WINDOW).turn is Turn.NOW


@given(OFFERS, MOMENTS, WINDOWS)
def test_nothing_is_installed_that_must_not_be(offer: UpdateOffer, moment: Moment, window: Window) -> None:
    verdict = decide(offer, moment, window)
    if verdict.turn is not Turn.NOW:
        return
    assert window.is_open(moment.now) and moment.even_for >= EVEN
    assert not moment.busy and moment.healthy and not moment.disk_short
    assert offer.leads_back and not (offer.tried or offer.problem or offer.rights or offer.installs or offer.others)
    for found in moment.backups if offer.funds else ():
        assert any(not is_due(each.newest, moment.now, each.key) and each.is_proved(moment.now) for each in found)
    assert not verdict.why


@given(OFFERS, MOMENTS, WINDOWS)
def test_what_is_left_to_the_owner_says_why_and_no_time_changes_that(
    offer: UpdateOffer, moment: Moment, window: Window
) -> None:
    verdict = decide(offer, moment, window)
    assert bool(verdict.why) or verdict.turn is not Turn.OWNER
    assert (decide(offer, MOMENT, WINDOW).turn is Turn.OWNER) == (verdict.turn is Turn.OWNER)


@pytest.mark.parametrize(
    "change",
    [
        {"tried": True},
        {"problem": "no plan"},
        {"leads_back": False},
        {"installs": ("tor",)},
        {"others": ("electrumx",)},
        {"rights": ("it reaches the internet",)},
    ],
)
def test_each_of_these_is_left_to_the_owner(change: dict[str, object]) -> None:
    assert decide(replace(OFFER, **change), MOMENT, WINDOW).turn is Turn.OWNER  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"now": NIGHT.replace(hour=3)},
        {"now": NIGHT.replace(hour=7)},
        {"now": NIGHT.replace(hour=16)},
        {"even_for": EVEN - 1},
        {"busy": True},
        {"healthy": False},
        {"disk_short": True},
        {"backups": ((replace(GOOD, newest=NIGHT - timedelta(days=2)),),)},
        {"backups": ((GOOD,), (replace(GOOD, newest=None),))},
    ],
)
def test_each_of_these_puts_it_off(change: dict[str, object]) -> None:
    assert decide(OFFER, replace(MOMENT, **change), WINDOW).turn is Turn.LATER  # type: ignore[arg-type]


def test_a_backup_that_is_not_made_puts_it_off_for_half_of_the_night() -> None:
    gone = replace(GOOD, newest=NIGHT - timedelta(days=9))
    late = replace(MOMENT, now=NIGHT.replace(hour=5, minute=30), backups=((gone,),))
    assert decide(OFFER, late, WINDOW).turn is Turn.NOW
    assert decide(replace(OFFER, funds=True), late, WINDOW).turn is Turn.LATER, "money waits for it"


@pytest.mark.parametrize(
    "backups",
    [
        ((),),
        ((replace(GOOD, passed=False),),),
        ((replace(GOOD, proved=None),),),
        ((replace(GOOD, proved=NIGHT - PROVED - timedelta(days=1)),),),
        ((replace(GOOD, proved=NIGHT + timedelta(days=400)),),),
        ((replace(GOOD, newest=NIGHT + timedelta(days=400)),),),
        ((GOOD,), ()),
        ((replace(GOOD, newest=None), replace(GOOD, passed=False)),),
    ],
)
def test_an_app_with_money_is_not_updated_without_a_proved_backup_of_this_night(
    backups: tuple[tuple[BackedUp, ...], ...],
) -> None:
    late = NIGHT.replace(hour=6)
    verdict = decide(replace(OFFER, funds=True), replace(MOMENT, now=late, backups=backups), WINDOW)
    assert verdict.turn is Turn.LATER and "money" in verdict.why


@given(WINDOWS, TIMES)
def test_a_window_is_open_for_its_hours_of_each_day(window: Window, day: datetime) -> None:
    hours = [day.replace(hour=hour) for hour in range(24)]
    opened = [each.hour for each in hours if window.is_open(each)]
    assert len(opened) == ((window.end - window.start) % 24 or 24)
    assert window.start in opened
    first = day.replace(hour=window.start, minute=0)
    assert not window.is_late(first) and window.is_late(first.replace(hour=(window.end - 1) % 24, minute=59))


@given(st.lists(st.tuples(st.floats(1, 300), st.floats(-1e8, 1e8)), min_size=1, max_size=20))
def test_a_clock_that_was_set_counts_only_once_it_has_run_evenly(steps: list[tuple[float, float]]) -> None:
    """Each step is how much time went by, and by how much the wall clock was set in it."""
    wall, steady, last = 1_800_000_000.0, 1000.0, 1000.0
    clock = EvenClock.started(wall, steady)
    for passed, jump in steps:
        steady += passed
        wall += passed + jump
        last = steady if abs(jump) > 40 else last
        clock = clock.looked_at(wall, steady)
        if abs(jump) > 40:
            assert clock.even_for == 0
    assert clock.even_for <= steady - last


def test_a_clock_that_is_only_slewed_counts() -> None:
    clock = EvenClock.started(0, 0)
    for at in range(60, 1260, 60):
        clock = clock.looked_at(at * 1.0005, at)
    assert clock.even_for == 1200
