"""What the health of a scratch copy's containers says. Pure."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.operations.trial.verdict import TrialOutcome, TrialVerdict, is_settled, judge

NAMES = ("db", "web")
HEALTHS = st.dictionaries(
    st.sampled_from(NAMES), st.builds(Health, state=st.sampled_from(HealthState), reason=st.sampled_from(["", "why"]))
)


@given(healths=HEALTHS, providers=st.lists(st.just("knots"), max_size=1))
def test_an_app_passes_if_all_of_it_works_and_never_else(healths: dict[str, Health], providers: list[str]) -> None:
    outcome, reason = judge(healths, NAMES, providers)
    works = all(name in healths and healths[name].state in WORKING for name in NAMES)
    assert (outcome is TrialOutcome.PASSED) == works == TrialVerdict(outcome).passed
    if not works:
        assert (outcome is TrialOutcome.UNDECIDED) == bool(providers)
        assert reason, "its owner is told why"
    if works:
        assert is_settled(healths, NAMES)


def test_the_container_that_failed_is_named_and_not_the_one_that_waits_for_it() -> None:
    healths = {
        "web": Health(state=HealthState.STARTING, reason="waits"),
        "db": Health(state=HealthState.FAILED, reason="ended with exit code 1"),
    }
    assert judge(healths, ("web", "db"), ()) == (TrialOutcome.FAILED, "db: ended with exit code 1")
    assert is_settled(healths, ("web", "db"))


def test_one_that_starts_is_waited_for() -> None:
    assert not is_settled({"db": Health(state=HealthState.HEALTHY)}, NAMES)
    assert not is_settled({name: Health(state=HealthState.BACKING_OFF) for name in NAMES}, NAMES)
