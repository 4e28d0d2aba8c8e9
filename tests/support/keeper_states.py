"""Random states of a keeper: what Podman shows, and what the keeper knows of it."""

from hypothesis import strategies as st

from archipelago.api.health import Health, HealthState
from archipelago.container.manifest.model.interfaces import Wait as WaitFor
from archipelago.container.podman_client.labels import HASH, PLACE, REPAIR
from archipelago.container.podman_client.models import ContainerState, ContainerSummary
from archipelago.container.reconciler.restart_policy import RestartPolicy
from archipelago.container.reconciler.seen import Known, ProviderGate, WantedApp, WantedContainer, WatchedRun
from archipelago.container.reconciler.step import PATIENCE
from support.simulated_keeper import SimulatedKeeper, summary

NETWORKS = ("own", "wire-1", "wire-2")
NEW = frozenset({"new"})
NAMES = ("db", "web", "worker")
UP = (ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.UNKNOWN, ContainerState.STOPPING)
OF_A_RUN = (HealthState.STARTING, HealthState.SYNCING, HealthState.HEALTHY, HealthState.UNHEALTHY)
DOWN_HEALTHS = (None, HealthState.STOPPED, HealthState.WAITING, HealthState.STARTING)
FAILED_HEALTHS = (HealthState.FAILED, HealthState.BACKING_OFF)


def podman_name(container: str) -> str:
    return f"app--{container}"


@st.composite
def wanted_apps(draw: st.DrawFn) -> WantedApp:
    names = NAMES[: draw(st.integers(1, 3))]
    containers = []
    for index, name in enumerate(names):
        after = tuple(draw(st.sets(st.sampled_from(names[:index])))) if index else ()
        networks = draw(st.frozensets(st.sampled_from(NETWORKS)))
        containers.append(WantedContainer(name, podman_name(name), NEW, after, networks))
    waits = draw(st.lists(st.sampled_from(WaitFor), max_size=2))
    gates = tuple(ProviderGate(f"provider-{index}", wait) for index, wait in enumerate(waits))
    return WantedApp(True, None, "", tuple(containers), gates)


@st.composite
def found_containers(draw: st.DrawFn, name: str, place: int) -> ContainerSummary:
    state = draw(st.sampled_from((*[ContainerState.RUNNING] * 6, *ContainerState)))
    labels = {HASH: draw(st.sampled_from(("new", "new", "new", "old")))}
    if draw(st.integers(0, 4)):
        labels[PLACE] = str(place)
    if not draw(st.integers(0, 4)):
        labels[REPAIR] = "fix"
    pid = 7 + place if state in UP else 0
    return summary(name, state, labels=labels, pid=pid, networks=draw(st.sets(st.sampled_from(NETWORKS)).map(tuple)))


@st.composite
def knowledge(draw: st.DrawFn, found: ContainerSummary | None, now: float) -> tuple[Known, RestartPolicy]:
    """Return what a keeper may know of a container that Podman shows so, and its restart policy."""
    restarts = draw(st.integers(0, 9))
    if found is not None and (found.state in UP or draw(st.booleans())):
        over = draw(st.sampled_from((None, None, None, None, now - 0.01, now - PATIENCE - 1)))
        pid = found.pid if draw(st.integers(0, 3)) and found.pid else 999
        health = draw(st.sampled_from((*OF_A_RUN, HealthState.FAILED)))
        bad = health in (HealthState.UNHEALTHY, HealthState.FAILED)
        retry_at = draw(st.sampled_from((None, now - 1, now + 20))) if bad else None
        owner = health is HealthState.UNHEALTHY and draw(st.booleans())
        run = draw(st.sampled_from((None, WatchedRun(found.id, pid, over), WatchedRun(found.id, pid, over))))
        return Known(health, owner, "", run), RestartPolicy(restarts, retry_at)
    if draw(st.booleans()):
        retry_at = draw(st.sampled_from((None, now - 1, now + 20)))
        return Known(draw(st.sampled_from(FAILED_HEALTHS))), RestartPolicy(restarts, retry_at)
    return Known(draw(st.sampled_from(DOWN_HEALTHS))), RestartPolicy(restarts)


@st.composite
def keepers(draw: st.DrawFn) -> SimulatedKeeper:
    """Return a keeper in any state in which an earlier life, a crash or an update may have left it."""
    wanted = draw(wanted_apps())
    keeper = SimulatedKeeper(wanted)
    for place, each in enumerate(wanted.containers):
        found = draw(st.none() | found_containers(each.name, place))
        if found is not None:
            keeper.podman[each.name] = found
        keeper.known[each.container], keeper.policies[each.container] = draw(knowledge(found, keeper.now))
    if draw(st.booleans()):
        keeper.podman["app--left"] = draw(found_containers("app--left", 9))
    keeper.company = draw(st.booleans())
    keeper.repair = not draw(st.integers(0, 4))
    keeper.restarts = draw(st.frozensets(st.sampled_from([each.container for each in wanted.containers])))
    keeper.unstoppable = draw(st.frozensets(st.sampled_from(list(keeper.podman)))) if keeper.podman else frozenset()
    keeper.providers = {gate.provider: Health(state=HealthState.HEALTHY) for gate in wanted.gates}
    return keeper
