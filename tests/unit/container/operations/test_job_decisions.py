"""What holds for every node: what an operation touches, when an app is ready, and what a cancel brings back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.health import WORKING, Failure, Health, HealthState
from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.desired.installed_apps import Records
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.changes.turn import with_desired
from archipelago.container.operations.jobs.configure import ConfigureJob
from archipelago.container.operations.jobs.secrets import SecretsJob
from archipelago.container.operations.jobs.start import StartJob
from archipelago.container.operations.jobs.stop import StopJob
from archipelago.container.operations.readiness.situation import Situation
from archipelago.container.proposals.consequences import stop_preview
from archipelago.container.workload.workload import ContainerWorkload, Workload
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from support import app_manifests

APPS = tuple("abcdefg")
PACKAGE = AppPackage(app_manifests.app("any"), "", {})
UPSTREAM = [(consumer, provider) for index, consumer in enumerate(APPS) for provider in APPS[:index]]
"""Each app may use those before it, so that nothing needs itself."""
BACK = [(provider, consumer) for consumer, provider in UPSTREAM]

apps = st.sampled_from(APPS)
scalars = st.one_of(st.booleans(), st.integers(), st.text(max_size=3), st.floats(allow_nan=False))
options = st.dictionaries(st.sampled_from(["one", "two", "three"]), scalars)


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    """Return apps that use each other; an optional use may lead back, and gates no start then."""
    pairs = draw(st.lists(st.sampled_from(UPSTREAM), unique=True, max_size=10))
    optional = draw(st.frozensets(st.sampled_from(range(10))))
    wait = draw(st.sampled_from(Wait))
    edges = [
        Edge(consumer=consumer, interface="i", provider=provider, wait=wait, optional=index in optional)
        for index, (consumer, provider) in enumerate(pairs)
    ]
    edges += [
        Edge(consumer=consumer, interface="o", provider=provider, wait=Wait.STARTED, optional=True, gates=False)
        for consumer, provider in draw(st.lists(st.sampled_from(BACK), unique=True, max_size=2))
    ]
    stopped = draw(st.frozensets(apps))
    records = {
        app: AppRecord(app, PACKAGE, Desired.STOPPED if app in stopped else Desired.RUNNING, slot, {"two": slot})
        for slot, app in enumerate(APPS)
    }
    return state_of(records, Plan(edges=tuple(edges)))


def state_of(records: Records, plan: Plan, problems: Mapping[str, str] | None = None) -> DesiredState:
    """Return what is desired of records."""
    return DesiredState(
        {
            app: DesiredApp(record, Workload(app, (), (), (), (), ""), problem=(problems or {}).get(app, ""))
            for app, record in records.items()
        },
        plan,
    )


def records_of(state: DesiredState) -> Records:
    return {app: found.record for app, found in state.apps.items()}


def after(state: DesiredState, changed: Records) -> DesiredState:
    return state_of({**records_of(state), **changed}, state.plan)


def in_order(state: DesiredState, order: tuple[str, ...]) -> bool:
    """Tell whether each app comes after those that it cannot do without."""
    return all(
        order.index(edge.provider) < order.index(edge.consumer)
        for edge in state.plan.edges
        if not edge.optional and edge.provider in order and edge.consumer in order
    )


@given(states(), apps)
def test_a_start_starts_all_that_it_needs_touches_no_other_and_comes_undone(state: DesiredState, app: str) -> None:
    before = records_of(state)
    job = StartJob.of(app, state, before)
    changed = with_desired(before, state.needed_by(app), Desired.RUNNING)
    started = after(state, changed)
    assert all(started.wanted(name) for name in (*job.apps, app))
    assert {name for name in APPS if records_of(started)[name] != before[name]} <= job.touches
    assert records_of(after(started, with_desired(records_of(started), job.stopped, Desired.STOPPED))) == before
    assert in_order(state, job.apps), "providers first"


@given(states(), apps)
def test_a_stop_stops_what_cannot_do_without_it_and_comes_undone(state: DesiredState, app: str) -> None:
    before = records_of(state)
    job = StopJob.of(before[app], state, None)
    stopped = after(state, with_desired(before, (app,), Desired.STOPPED))
    ended = {name for name in APPS if state.wanted(name) and not stopped.wanted(name)}
    assert ended <= job.touches
    assert not any(stopped.wanted(name) for name in job.touches)
    assert ended - {app} == set(stop_preview(state, app).stops), "what the owner is told is what happens"
    assert job.desired is not None
    assert records_of(after(stopped, with_desired(records_of(stopped), (app,), job.desired))) == before
    assert in_order(state, job.apps[::-1]), "dependents first"


@given(states(), apps, options, st.frozensets(st.sampled_from(["one", "two", "three", "none"])), st.booleans())
def test_options_go_forth_and_back_and_take_nothing_else_along(
    state: DesiredState, app: str, given: dict[str, bool | int | float | str], reset: frozenset[str], stopped: bool
) -> None:
    before = records_of(state)
    again = tuple(sorted(reset - given.keys()))
    job = ConfigureJob.of(app, given, again, before=before[app].options, restarts=(), worked=(app,))
    assert ConfigureJob.load(app, job.arguments) == job
    changed = job.with_new_options(before)
    assert changed.keys() == {app}
    assert changed[app].options == {**{k: v for k, v in before[app].options.items() if k not in reset}, **given}
    # What the owner does meanwhile stays.
    changed[app] = replace(changed[app], desired=Desired.STOPPED if stopped else changed[app].desired)
    back = job.with_former_options({**before, **changed})
    assert back[app] == replace(before[app], desired=changed[app].desired)
    old = ConfigureJob.load(app, {"options": given, "reset": list(again)})
    assert old.with_former_options(before) == {} and not old.restores_after(
        NodeError(ErrorCode.NOT_HEALTHY, "y", data={"app": app})
    )


@given(states(), apps)
def test_new_secrets_touch_those_that_use_them(state: DesiredState, app: str) -> None:
    job = SecretsJob.of(app, ("key",), state)
    assert {edge.consumer for edge in state.dependents(app)} | {app} <= job.touches
    assert {edge.provider for edge in state.providers(app)} <= job.touches


healths = st.fixed_dictionaries(
    {
        app: st.builds(
            Health,
            state=st.sampled_from(HealthState),
            reason=st.text(max_size=3),
            restarts=st.integers(0, 5),
            needs_owner=st.sampled_from([False, False, False, True]),
        )
        for app in APPS
    }
)


@given(states(), healths, apps)
def test_who_is_at_fault_is_an_app_that_does_not_come_up(
    state: DesiredState, found: dict[str, Health], app: str
) -> None:
    now = Situation(state, found.__getitem__)
    if now.should_give_up(app):
        blocker = now.blocker(app)
        assert now.should_give_up(blocker)
        assert blocker in state.needed_by(app)
        error = now.error(app, "does not come up")
        assert error.data["app"] == blocker and error.hint


@pytest.mark.parametrize(("full", "code"), [(True, ErrorCode.DISK_FULL), (False, ErrorCode.NOT_HEALTHY)])
def test_an_app_that_a_full_disk_keeps_from_starting_is_reported_as_that(full: bool, code: ErrorCode) -> None:
    failure = Failure(
        at=datetime(2026, 1, 1, tzinfo=UTC), reason="the disk that holds state.db is full", disk_full=full
    )
    health = Health(state=HealthState.FAILED, reason=failure.reason, failure=failure)
    assert Situation(DesiredState(), lambda _: health).error("app", "does not come up").code is code


@given(states(), healths, apps)
def test_nobody_waits_for_what_is_ready_nor_for_what_cannot_come(
    state: DesiredState, found: dict[str, Health], app: str
) -> None:
    now = Situation(state, found.__getitem__)
    health = found[app]
    assert now.is_ready(app) or health.state not in WORKING
    assert now.should_give_up(app) or not health.needs_owner
    if not state.wanted(app) and health.state is not HealthState.WAITING:
        assert now.should_give_up(app)
    if health.state is HealthState.WAITING and now.is_ready(app):
        assert any(found[name].state is HealthState.SYNCING for name in state.needed_by(app)), "a chain loads"
    # Once everything works that it needs, it is ready, whatever was before.
    well = Situation(state, {**found, **{each: Health(state=HealthState.HEALTHY) for each in APPS}}.__getitem__)
    assert well.is_ready(app) and well.should_give_up(app) is not state.wanted(app)


@given(states(), healths, apps, st.frozensets(apps))
def test_an_operation_does_not_fail_because_the_node_pauses_the_app(
    state: DesiredState, found: dict[str, Health], app: str, paused: frozenset[str]
) -> None:
    short = replace(state, paused=dict.fromkeys(paused, "the disk is short"))
    if state.wanted(app) and not paused.isdisjoint(state.needed_by(app)):
        assert Situation(short, found.__getitem__).is_ready(app)


@given(states(), apps)
def test_an_app_is_given_the_time_of_all_that_it_uses(state: DesiredState, app: str) -> None:
    def container(seconds: float) -> ContainerWorkload:
        return cast(ContainerWorkload, SimpleNamespace(health=SimpleNamespace(start_timeout=seconds)))

    slow = replace(
        state,
        apps={
            name: replace(each, workload=replace(each.workload, containers=(container(10.0**slot),)))
            for slot, (name, each) in enumerate(state.apps.items())
        },
    )
    given_time = str(int(Situation(slow, lambda _: Health(state=HealthState.STARTING)).timeout(app) - 60))
    used = {name for name, digit in zip(APPS, given_time[::-1], strict=False) if digit == "1"}
    assert set(given_time) <= {"0", "1"}, "no app is counted twice"
    assert app in used
    assert all(edge.provider in used for name in used for edge in slow.providers(name))
    assert all(name == app or any(edge.consumer in used for edge in slow.dependents(name)) for name in used)


@given(states(), apps, st.text(min_size=1, max_size=5))
def test_an_app_that_cannot_be_compiled_is_not_waited_for(state: DesiredState, app: str, problem: str) -> None:
    broken = state_of(records_of(state), state.plan, {app: problem})
    for each in HealthState:
        assert Situation(broken, lambda _, each=each: Health(state=each)).should_give_up(app)  # type: ignore[misc]
