"""Builds what shares the host out among apps: their limits, and which of them are paused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archipelago.container.data.disk_use import DiskUse
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.desired.state import DesiredState
from archipelago.container.reconciler.host_share import HostShare
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.node.resource_guard import disk_limits, order_of
from archipelago.performance.control_groups import ControlGroups
from archipelago.performance.resource_manager.budgets import AppBudget, budgets
from archipelago.performance.resource_manager.pauses import Pauses
from archipelago.storage.stores.disk_history import DiskHistory
from archipelago.storage.stores.own_limits import OwnLimitStore


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What decides how the host is shared out."""

    own: OwnLimitStore
    history: DiskHistory
    pauses: Pauses
    share: HostShare


async def open_limits(storage: Storage, podman: PodmanHost, held: Callable[[], Mapping[str, str]]) -> HostLimits:
    """Read what the owner decided, and what was counted. Raises `NodeError`.

    `held` are apps that must not run for another reason than the host, each with that reason.
    """
    await (own := OwnLimitStore(storage.database)).open()
    await (history := DiskHistory(storage.database)).open()
    pauses = Pauses()

    def budgets_of(desired: DesiredState) -> Mapping[str, AppBudget]:
        manifests = {app: found.record.package.manifest for app, found in desired.apps.items()}
        return budgets(podman.facts, manifests, order_of(desired), own.all)

    share = HostShare(
        paused=lambda desired: {**pauses.reasons(order_of(desired)), **held()},
        budgets=budgets_of,
        limits=ControlGroups(podman.cgroup),
    )
    return HostLimits(own, history, pauses, share)


def disk_use(
    storage: Storage,
    podman: PodmanHost,
    snapshots: SnapshotStore,
    history: DiskHistory,
    desired: Callable[[], DesiredState],
) -> DiskUse:
    """Return what counts the volumes and the snapshots of apps."""
    return DiskUse(
        storage.config.layout,
        podman.namespace,
        snapshots.use,
        lambda: desired().apps,
        storage.clocks.steady,
        history,
        lambda: disk_limits(desired()),
    )
