"""What the desired state of all apps means for one of them."""

from collections.abc import Callable, Mapping

from archipelago.api.health import WORKING, Health
from archipelago.container.desired.state import DesiredState
from archipelago.container.podman_client.labels import HASH
from archipelago.container.podman_client.models import ContainerSummary
from archipelago.container.reconciler.observer import Observation
from archipelago.container.reconciler.seen import ProviderGate, WantedApp, WantedContainer, is_running
from archipelago.container.workload.workload import ContainerWorkload


def wanted_app(state: DesiredState, app: str, shown: Mapping[str, ContainerSummary]) -> WantedApp:
    """Return what a decision about the app needs of the desired state, given its containers in Podman."""
    found = state.apps.get(app)
    if found is None:
        return WantedApp(installed=False, obstacle=state.obstacle(app))
    containers = (wanted_container(each, shown.get(each.name)) for each in found.workload.containers)
    gates = (
        ProviderGate(edge.provider, edge.wait) for edge in state.providers(app) if edge.gates and not edge.optional
    )
    return WantedApp(True, state.obstacle(app), found.problem, tuple(containers), tuple(gates))


def wanted_container(wanted: ContainerWorkload, found: ContainerSummary | None) -> WantedContainer:
    """Return what a decision needs of one container; `found` may be right although an earlier version made it."""
    hash = found.labels.get(HASH) if found is not None else None
    hashes = {wanted.hash, hash} if hash is not None and wanted.is_made_of(hash) else {wanted.hash}
    return WantedContainer(
        wanted.container, wanted.name, frozenset(hashes), wanted.after, frozenset(wanted.attachments)
    )


def has_company(seen: Observation, state: DesiredState, app: str, health_of: Callable[[str], Health]) -> bool:
    """Return whether another app runs that is about to go on running as it does."""
    steady = (
        (seen.of(each).get(container.name), container)
        for each, other in state.apps.items()
        if each != app and health_of(each).state in WORKING and state.wanted(each)
        for container in other.workload.containers
    )
    return any(
        found is not None and is_running(found) and container.is_made_of(found.labels.get(HASH))
        for found, container in steady
    )
