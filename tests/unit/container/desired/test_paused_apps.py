"""Apps that the node does not run for now: their owner's wish stays what it is."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.storage.records.apps import Desired

NAMES = "abcdef"


def desired_app(desired: Desired) -> DesiredApp:
    return cast(DesiredApp, cast(Any, SimpleNamespace(record=SimpleNamespace(desired=desired))))


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(Desired)),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] < pair[1])),
    st.frozensets(st.sampled_from(NAMES)),
)
def test_a_pause_keeps_apps_and_their_consumers_down_and_starts_none(
    wishes: dict[str, Desired], uses: list[tuple[str, str]], paused: frozenset[str]
) -> None:
    apps = {app: desired_app(desired) for app, desired in wishes.items()}
    edges = tuple(
        Edge(consumer=one, interface="api", provider=other, wait=Wait.STARTED)
        for one, other in uses
        if {one, other} <= apps.keys()
    )
    free = DesiredState(apps, Plan(edges=edges))
    short = DesiredState(apps, Plan(edges=edges), paused=dict.fromkeys(paused, "the disk is short"))
    for app, desired in wishes.items():
        needed = set(short.needed_by(app))
        assert short.wanted(app) == (free.wanted(app) and needed.isdisjoint(paused))
        assert short.is_paused(app) == (free.wanted(app) and not needed.isdisjoint(paused))
        if desired is Desired.STOPPED:
            assert short.obstacle(app) == "its owner stopped it"
        elif app in paused:
            assert short.obstacle(app) == "the disk is short"
