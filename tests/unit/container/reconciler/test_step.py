"""What the next step of an app is, over random states of it: what `step` promises."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archipelago.api.health import Health, HealthState
from archipelago.container.manifest.model.interfaces import Wait as WaitFor
from archipelago.container.podman_client.labels import HASH
from archipelago.container.podman_client.models import ContainerState
from archipelago.container.reconciler.restart_policy import UNHEALTHY_PATIENCE, RestartPolicy
from archipelago.container.reconciler.seen import Known, ProviderGate, WantedApp, WantedContainer, is_running
from archipelago.container.reconciler.step import (
    PATIENCE,
    Await,
    ChangeFiles,
    Confine,
    CreateContainer,
    Ending,
    Gone,
    LeaveAlone,
    NoteDeath,
    NoteRecovery,
    Nothing,
    Postpone,
    Reattach,
    RemoveContainer,
    Rest,
    StartContainer,
    StopContainer,
    TakeDown,
    WaitUntil,
    Watch,
    Why,
)
from archipelago.container.reconciler.stop_order import stop_order
from support.examples import examples
from support.keeper_states import NEW, OF_A_RUN, keepers, podman_name
from support.simulated_keeper import SimulatedKeeper, summary

few = settings(max_examples=examples(30))  # what depends on little
LONG = 400.0
"""Longer than any back-off."""


def settle(keeper: SimulatedKeeper) -> Ending:
    """Let time pass and probes answer until nothing is to be done and nothing changes any more."""
    for _ in range(60):
        ending = keeper.passes()
        before = repr(keeper.known)
        keeper.probe()
        if isinstance(ending, WaitUntil):
            keeper.now = ending.until + 0.5
        elif repr(keeper.known) == before:
            return ending
    raise AssertionError(f"it does not converge: {keeper.taken[-30:]}")


def require_up(keeper: SimulatedKeeper) -> None:
    """Make sure that all is as wanted."""
    assert set(keeper.podman) == {each.name for each in keeper.wanted.containers}
    for each in keeper.wanted.containers:
        found, known = keeper.podman[each.name], keeper.known[each.container]
        assert is_running(found) and found.state is not ContainerState.STOPPING and found.labels[HASH] in each.hashes
        assert each.networks <= set(found.networks)
        assert each.networks == set(found.networks) or not keeper.company
        assert known.run is not None and known.run.is_of(found)
        assert known.needs_owner or known.health is HealthState.HEALTHY
    assert not keeper.restarts and not keeper.repair


def positions(keeper: SimulatedKeeper, kinds: type | tuple[type, ...]) -> list[int]:
    return [index for index, step in enumerate(keeper.taken) if isinstance(step, kinds)]


@given(keepers())
def test_from_any_state_an_app_comes_up_and_then_nothing_is_done(keeper: SimulatedKeeper) -> None:
    # An owner who has to act first, and has not: what waits for that container waits on.
    assume(not any(keeper.known[name].needs_owner for each in keeper.wanted.containers for name in each.after))
    assert settle(keeper) == Nothing()
    require_up(keeper)
    done = len(keeper.taken)
    assert keeper.passes() == Nothing()
    assert keeper.confined and not any(
        isinstance(step, CreateContainer | StartContainer | StopContainer | RemoveContainer | Reattach)
        for step in keeper.taken[done:]
    )


@given(keepers(), st.booleans(), st.booleans())
def test_an_unwanted_app_is_stopped_cleaned_up_and_where_it_was_removed_it_goes(
    keeper: SimulatedKeeper, installed: bool, halted: bool
) -> None:
    containers = keeper.wanted.containers if installed else ()
    problem = "its manifest cannot be read" if halted else ""
    keeper.wanted = WantedApp(installed, "its owner stopped it", problem, containers)
    alive = [found.name for found in stop_order(keeper.podman.values()) if is_running(found)]
    assert keeper.passes() == (Nothing() if installed else Gone())
    assert not any(map(is_running, keeper.podman.values()))
    assert installed or not keeper.podman
    allowed = (TakeDown, Rest, Reattach, Ending) if installed else (TakeDown, Rest, RemoveContainer, Ending)
    assert all(isinstance(step, allowed) for step in keeper.taken)
    assert not any(isinstance(step, Reattach) and step.join for step in keeper.taken)
    stopped = [step.name for step in keeper.taken if isinstance(step, TakeDown)]
    assert stopped == alive


@given(keepers())
@few
def test_an_app_that_others_need_is_not_stopped_before_them(keeper: SimulatedKeeper) -> None:
    keeper.wanted = WantedApp(True, "its owner stopped it", "", keeper.wanted.containers)
    keeper.dependents = ("wallet",)
    before = dict(keeper.podman)
    ending = keeper.passes()
    if any(map(is_running, before.values())):
        assert isinstance(ending, Postpone) and "wallet" in ending.reason
        assert keeper.podman == before and len(keeper.taken) == 1
    else:
        assert ending == Nothing()
    keeper.dependents = ()
    assert keeper.passes() == Nothing()
    assert not any(map(is_running, keeper.podman.values()))


@given(keepers())
@few
def test_an_app_of_which_nobody_knows_how_it_should_be_is_left_alone(keeper: SimulatedKeeper) -> None:
    keeper.wanted = WantedApp(True, None, "its manifest cannot be read", ())
    assert keeper.passes() == LeaveAlone("its manifest cannot be read")
    assert keeper.taken == [LeaveAlone("its manifest cannot be read")]


@given(keepers())
@few
def test_what_leaves_has_stopped_in_order_before_anything_starts(keeper: SimulatedKeeper) -> None:
    restarted = (Why.OUTDATED, Why.RESTART)
    assume(not keeper.repair)
    order = [found.name for found in stop_order(keeper.podman.values())]
    keeper.one_pass()
    stopped = [step.name for step in keeper.taken if isinstance(step, StopContainer) and step.why in restarted]
    assert stopped == [name for name in order if name in stopped]
    last = max(
        (i for i, s in enumerate(keeper.taken) if isinstance(s, StopContainer) and s.why in restarted), default=-1
    )
    assert last < min(positions(keeper, (CreateContainer, StartContainer)), default=len(keeper.taken))


@given(keepers())
@few
def test_a_repair_comes_while_nothing_of_the_app_is_left_and_then_it_starts(keeper: SimulatedKeeper) -> None:
    keeper.repair = True
    order = [found.name for found in stop_order(keeper.podman.values())]
    keeper.passes()
    (at,) = positions(keeper, ChangeFiles)
    removed = [step.name for step in keeper.taken[:at] if isinstance(step, RemoveContainer)]
    assert removed == [name for name in order if name in removed]
    assert all(isinstance(step, StopContainer | RemoveContainer) for step in keeper.taken[:at])
    assert isinstance(keeper.taken[at + 1], CreateContainer | Await)


@given(keepers(), st.sampled_from([HealthState.FAILED, HealthState.STOPPED, HealthState.WAITING]))
@few
def test_nothing_starts_before_the_providers_that_it_waits_for(keeper: SimulatedKeeper, state: HealthState) -> None:
    assume(keeper.wanted.gates)
    last = keeper.wanted.gates[-1].provider
    keeper.providers[last] = Health(state=state, reason="of old age")
    keeper.passes()
    assert not positions(keeper, (CreateContainer, StartContainer))
    awaited = [step for step in keeper.taken if isinstance(step, Await)]
    assert all(step.reason == f"waits for {last}, which is {state}: of old age" for step in awaited)


def test_an_app_says_for_which_provider_it_waits_and_why() -> None:
    container = WantedContainer("db", podman_name("db"), NEW, (), frozenset())
    keeper = SimulatedKeeper(WantedApp(True, None, "", (container,), (ProviderGate("chain", WaitFor.HEALTHY),)))
    keeper.providers["chain"] = Health(state=HealthState.FAILED, reason="of old age")
    keeper.passes()
    awaited = [step for step in keeper.taken if isinstance(step, Await)]
    assert awaited == [Await(container.name, "waits for chain, which is failed: of old age")]


EVENTS = ("crash", "lose", "hang", "answer", "restart", "repair", "update", "unwant", "want", "tick", "wait", "probe")


def happen(keeper: SimulatedKeeper, event: str, index: int) -> None:
    """Let something happen outside of the keeper."""
    each = keeper.wanted.containers[index % len(keeper.wanted.containers)]
    known, found = keeper.knows(each.container), keeper.podman.get(each.name)
    up = found is not None and is_running(found) and known.run is not None and known.run.is_of(found)
    match event:
        case "crash" | "lose" if up:
            keeper.crash(each.name, noticed=event == "crash")
        case "hang" if up and known.health in OF_A_RUN:
            keeper.tell(each.container, HealthState.UNHEALTHY)
        case "answer" if up and known.health in OF_A_RUN:
            keeper.tell(each.container, HealthState.HEALTHY)
        case "restart":
            keeper.restarts = frozenset(one.container for one in keeper.wanted.containers)
        case "repair":
            keeper.repair = keeper.wanted.obstacle is None
        case "update":
            hashes = frozenset({f"new-{index}"})
            newer = tuple(replace(each, hashes=hashes) for each in keeper.wanted.containers)
            keeper.wanted = WantedApp(True, keeper.wanted.obstacle, "", newer, keeper.wanted.gates)
        case "unwant" | "want":
            obstacle = "its owner stopped it" if event == "unwant" else None
            keeper.wanted = WantedApp(True, obstacle, "", keeper.wanted.containers, keeper.wanted.gates)
            keeper.repair = False
        case "tick":
            keeper.now += 0.3
        case "wait":
            keeper.now += LONG
        case "probe":
            keeper.probe()


@given(
    keepers(),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 5)), max_size=25),
    st.lists(st.booleans(), max_size=20),
    st.lists(st.sampled_from((None, None, None, None, "restart", "repair")), max_size=30),
)
def test_whatever_happens_every_pass_ends_and_at_last_the_app_is_up(
    keeper: SimulatedKeeper, events: list[tuple[str, int]], faults: list[bool], requests: list[str | None]
) -> None:
    """The model checks each step: back-off, order, networks, and that no state comes twice."""
    keeper.known = {name: Known(each.health, False, "", each.run) for name, each in keeper.known.items()}
    keeper.fails = lambda: faults.pop() if faults else False

    def request() -> bool:
        if asked := requests.pop() if requests else None:
            happen(keeper, asked, 0)
        return asked is not None

    keeper.interrupt = request
    for event, index in events:
        happen(keeper, event, index)
        keeper.passes()
    faults.clear()
    happen(keeper, "want", 0)
    assert settle(keeper) == Nothing()
    require_up(keeper)


def test_a_container_that_stops_and_starts_in_one_pass_leaves_the_network_that_it_could_not_leave_before() -> None:
    db = WantedContainer("db", podman_name("db"), NEW, networks=frozenset({"own", "wire-1"}))
    found = summary(db.name, ContainerState.RUNNING, labels={HASH: "new"}, pid=7, networks=("own", "wire-2"))
    keeper = SimulatedKeeper(WantedApp(True, None, "", (db,)), podman={db.name: found})

    def restart_once_reattached() -> bool:
        asked = isinstance(keeper.taken[-1], Reattach) and len(positions(keeper, Reattach)) == 1
        if asked:
            happen(keeper, "restart", 0)
        return asked

    keeper.interrupt = restart_once_reattached
    keeper.one_pass()
    assert positions(keeper, StopContainer) and set(keeper.podman[db.name].networks) == db.networks


@given(st.integers(0, 9), st.booleans())
def test_a_container_that_crashes_or_does_not_start_waits_for_its_back_off(crashes: int, fails: bool) -> None:
    web = WantedContainer("web", podman_name("web"), NEW)
    keeper = SimulatedKeeper(WantedApp(True, None, "", (web,)))
    policy = RestartPolicy()
    if fails:
        keeper.fails = lambda: True
    keeper.passes()
    for _ in range(crashes):
        if not fails:
            keeper.crash(web.name, noticed=True)
            keeper.passes()
        policy = policy.failed(keeper.now, 0.0, 0.5)
        assert policy.retry_at is not None
        tried = len(positions(keeper, (CreateContainer, StartContainer)))
        assert keeper.taken[-1] == WaitUntil(policy.retry_at)
        keeper.now = policy.retry_at - 0.001
        keeper.passes()
        assert len(positions(keeper, (CreateContainer, StartContainer))) == tried
        keeper.now = policy.retry_at
        keeper.passes()
        assert len(positions(keeper, (CreateContainer, StartContainer))) > tried


def test_after_three_failed_starts_the_container_is_created_again() -> None:
    web = WantedContainer("web", podman_name("web"), NEW)
    found = summary(web.name, ContainerState.EXITED, labels={HASH: "new"})
    keeper = SimulatedKeeper(WantedApp(True, None, "", (web,)), podman={web.name: found}, fails=lambda: True)
    for _ in range(3):
        keeper.passes()
        keeper.now += LONG
    assert [
        type(step) for step in keeper.taken if isinstance(step, StartContainer | CreateContainer | RemoveContainer)
    ] == [StartContainer] * 3 + [RemoveContainer]
    keeper.fails = lambda: False
    assert settle(keeper) == Nothing()
    assert positions(keeper, CreateContainer)


def test_an_end_that_podman_does_not_notice_counts_after_a_while() -> None:
    web = WantedContainer("web", podman_name("web"), NEW)
    keeper = SimulatedKeeper(WantedApp(True, None, "", (web,)))
    settle(keeper)
    keeper.crash(web.name, noticed=False)
    ended = keeper.now
    ending = keeper.passes()
    assert isinstance(ending, WaitUntil) and ended < ending.until < ended + PATIENCE
    assert not positions(keeper, NoteDeath)
    keeper.now = ended + PATIENCE
    keeper.passes()
    assert [type(step) for step in keeper.taken[-4:]] == [NoteDeath, StopContainer, RemoveContainer, WaitUntil]
    assert web.name not in keeper.podman


def test_what_was_reported_of_a_failed_step_is_judged_again_where_the_container_goes_on() -> None:
    web = WantedContainer("web", podman_name("web"), NEW)
    keeper = SimulatedKeeper(WantedApp(True, None, "", (web,)))
    settle(keeper)
    keeper.tell("web", HealthState.FAILED)
    keeper.taken.clear()
    assert settle(keeper) == Nothing()
    assert keeper.taken[:3] == [Watch(web.name), Confine(web.name), Nothing()]
    require_up(keeper)


def test_a_container_that_only_its_owner_can_help_is_not_restarted() -> None:
    web = WantedContainer("web", podman_name("web"), NEW)
    keeper = SimulatedKeeper(WantedApp(True, None, "", (web,)))
    settle(keeper)
    keeper.tell("web", HealthState.UNHEALTHY, needs_owner=True)
    keeper.taken.clear()
    assert settle(keeper) == Nothing() and not positions(keeper, StopContainer)
    keeper.tell("web", HealthState.UNHEALTHY)
    ending = keeper.passes()
    assert ending == WaitUntil(keeper.now + UNHEALTHY_PATIENCE)
    keeper.tell("web", HealthState.HEALTHY)
    keeper.passes()
    assert positions(keeper, NoteRecovery) and keeper.policies["web"].retry_at is None
    keeper.tell("web", HealthState.UNHEALTHY)
    settle(keeper)
    assert [step.why for step in keeper.taken if isinstance(step, StopContainer)] == [Why.UNHEALTHY]
    require_up(keeper)
