"""What each app may take of the host, and what of it is promised: from the host, the manifests and the owner. Pure.

A limit is the most that an app may take; the limits of all apps may exceed the host. A promise is the part of the
memory that the kernel takes from others before it takes it from this app (cgroup2, `memory.low`): all promises
together fit the host, and what is paused last is promised first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archipelago.container.dependency_resolver.asks import memory_limit
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.memory_budget import NODE_MEMORY
from archipelago.container.manifest.model.app import AppManifest
from archipelago.performance.resource_manager.pause_order import Rank, RankedApp, rank_of
from archipelago.storage.records.limits import OwnLimits

LEAST_MEMORY = 16 * 1024**2
"""Bytes, for each container; likewise processes."""
LEAST_PIDS = 4
LEAST_CPU = 0.01
"""Cores; the kernel refuses less than a hundredth (sched/core.c, `min_cfs_quota_period`)."""
_WEIGHTS = {Rank.BACKGROUND: 100, Rank.FUNDS: 200, Rank.LIGHTNING: 400, Rank.CHAIN: 400}
"""Shares of busy processors and of a busy disk; 100 is the kernel's default."""


@dataclass(frozen=True, slots=True)
class AppBudget:
    """What the containers of an app may take together."""

    memory: int
    """Bytes."""
    promised: int
    """Bytes of it that are promised; 0 for an app that is not to run."""
    cpu: float
    """Cores."""
    cpu_weight: int
    """Of each container, as is the other weight."""
    io_weight: int
    pids: int
    disk: int | None = None
    """Bytes of its volumes; None without a limit."""
    own: OwnLimits = field(default_factory=OwnLimits)
    """What of it the owner set."""


@dataclass(frozen=True, slots=True)
class ContainerBudget:
    """What one container may take, in the same units."""

    memory: int
    promised: int
    cpu: float
    cpu_weight: int
    io_weight: int
    pids: int


def memory_for_apps(host: HostFacts) -> int:
    """Return the bytes that apps may take together."""
    return max(0, host.memory - NODE_MEMORY)


def budgets(
    host: HostFacts,
    manifests: Mapping[str, AppManifest],
    order: Sequence[RankedApp],
    own: Mapping[str, OwnLimits],
) -> dict[str, AppBudget]:
    """Return the budget of each app; `order` has those that are to run, the first to be paused first."""
    ranks = {each.app: each.rank for each in order}
    memory = {app: _memory(host, manifest, own.get(app)) for app, manifest in manifests.items()}
    promises = _promises(memory_for_apps(host), [(each, memory[each.app]) for each in order if each.app in memory])
    return {
        app: _budget(
            manifest, own.get(app, OwnLimits()), memory[app], promises.get(app, 0), ranks.get(app, rank_of(manifest))
        )
        for app, manifest in manifests.items()
    }


def container_budgets(manifest: AppManifest, budget: AppBudget) -> dict[str, ContainerBudget]:
    """Return what of an app's budget each of its containers gets, in proportion to what its manifest gives it."""
    limits = {name: container.resources for name, container in manifest.containers.items()}
    memory = shared_out(budget.memory, {name: each.memory for name, each in limits.items()}, LEAST_MEMORY)
    promised = shared_out(budget.promised, {name: each.memory for name, each in limits.items()}, 0)
    pids = shared_out(budget.pids, {name: each.pids for name, each in limits.items()}, LEAST_PIDS)
    cores = sum(each.cpu for each in limits.values())
    return {
        name: ContainerBudget(
            memory=memory[name],
            promised=promised[name],
            cpu=budget.cpu * each.cpu / cores,
            cpu_weight=budget.cpu_weight,
            io_weight=budget.io_weight,
            pids=pids[name],
        )
        for name, each in limits.items()
    }


def shared_out(whole: int, sizes: Mapping[str, int], least: int) -> dict[str, int]:
    """Share a number out in proportion to sizes of at least `least` each, which nobody gets less than.

    All shares together are at most `whole`, if that is enough for the least of all.
    """
    rest, spread = whole - least * len(sizes), sum(sizes.values()) - least * len(sizes)
    if rest <= 0:
        return dict.fromkeys(sizes, least)
    if spread <= 0:
        return dict.fromkeys(sizes, least + rest // len(sizes))
    return {name: least + rest * (size - least) // spread for name, size in sizes.items()}


def least_memory(manifest: AppManifest) -> int:
    """Return the bytes below which an app cannot be limited."""
    return LEAST_MEMORY * len(manifest.containers)


def least_pids(manifest: AppManifest) -> int:
    """Return the number of processes below which an app cannot be limited."""
    return LEAST_PIDS * len(manifest.containers)


def _memory(host: HostFacts, manifest: AppManifest, own: OwnLimits | None) -> int:
    wanted = own.memory if own is not None and own.memory is not None else memory_limit(manifest)
    # More than the host has would be no limit: it is the host that would run out.
    return max(least_memory(manifest), min(wanted, memory_for_apps(host)))


def _budget(manifest: AppManifest, own: OwnLimits, memory: int, promised: int, rank: Rank) -> AppBudget:
    limits = [container.resources for container in manifest.containers.values()]
    weight = _WEIGHTS[rank]
    disk = manifest.disk_limit if own.disk is None else own.disk
    return AppBudget(
        memory=memory,
        promised=promised,
        cpu=sum(each.cpu for each in limits) if own.cpu is None else own.cpu,
        cpu_weight=weight if own.cpu_weight is None else own.cpu_weight,
        io_weight=weight if own.io_weight is None else own.io_weight,
        pids=sum(each.pids for each in limits) if own.pids is None else max(own.pids, least_pids(manifest)),
        disk=disk or None,
        own=own,
    )


def _promises(free: int, apps: Sequence[tuple[RankedApp, int]]) -> dict[str, int]:
    """Return what of its limit each app is promised: all of it, or its part of what the later ranks leave."""
    promises = {}
    for rank in sorted(Rank, reverse=True):
        limits = {each.app: limit for each, limit in apps if each.rank is rank}
        if not limits:
            continue
        given = min(free, sum(limits.values()))
        promises.update(shared_out(given, limits, 0))
        free -= given
    return promises
