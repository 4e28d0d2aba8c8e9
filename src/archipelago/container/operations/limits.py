"""Changes what an app may take of the host. Nothing restarts: containers that run get the new limits at once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.desired.installed_apps import not_installed
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.podman_client.labels import CONTAINER
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.seen import is_running
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.control_groups import ControlGroups
from archipelago.performance.resource_manager.budgets import (
    LEAST_CPU,
    budgets,
    container_budgets,
    least_memory,
    least_pids,
    memory_for_apps,
)
from archipelago.performance.resource_manager.pause_order import Rank, rank_of
from archipelago.storage.records.limits import OwnLimits
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

NAMES = tuple(each.name for each in fields(OwnLimits))
"""What can be limited."""


@dataclass(frozen=True, slots=True)
class AppLimits:
    """Takes what the owner decides."""

    store: OwnLimitStore
    reconciler: Reconciler
    groups: ControlGroups
    host: HostFacts
    apply: Callable[[], Awaitable[object]]
    """Compiles everything again: the files of an app that name its limit are written at its next start."""

    async def change(self, app: str, limits: Mapping[str, float], reset: Collection[str]) -> None:
        """Set some limits of an installed app, by name, and take others back to what follows from its manifest.

        Raises `NodeError`: INVALID_VALUE for a limit that makes no sense here, STILL_NEEDED for one that would kill
        what runs.
        """
        found = self.reconciler.desired.apps.get(app)
        if found is None:
            raise not_installed(app)
        manifest = found.record.package.manifest
        before = self.store.all.get(app, OwnLimits())
        after = OwnLimits(**{**asdict(before), **dict.fromkeys(reset), **limits})
        check_limits(self.host, manifest, after)
        if "memory" in (*limits, *reset):
            await self._require_spare_memory(manifest, after)
        await self.store.keep(app, after)
        await self.apply()

    async def _require_spare_memory(self, manifest: AppManifest, after: OwnLimits) -> None:
        """Raise `NodeError` where less memory would have the kernel kill what runs."""
        app = manifest.id
        known = self.reconciler.desired.budgets.get(app)
        # Without a limit of the owner's, the one of the manifest counts: it may be less than what counts now as well.
        budget = budgets(self.host, {app: manifest}, (), {app: after})[app]
        if known is None or budget.memory >= known.memory:
            return
        running = [each for each in self.reconciler.observer.last.of(app).values() if is_running(each)]
        if not running:
            return
        hint = msg("stop it first: 'archipelago stop {app}'; the limit counts from its next start", app=app)
        if rank_of(manifest) is Rank.CHAIN:
            raise NodeError(
                ErrorCode.STILL_NEEDED,
                msg("{name} has sized its cache by the memory that it may take now", name=manifest.name),
                hint=hint,
            )
        shares = container_budgets(manifest, budget)
        for each in running:
            container = each.labels.get(CONTAINER, "")
            if container not in shares:
                continue  # the manifest has it no more, so no limit of it changes
            needed, memory = await asyncio.to_thread(self.groups.needed_memory, (each.pid,)), shares[container].memory
            if needed > memory:
                raise NodeError(
                    ErrorCode.STILL_NEEDED,
                    msg(
                        "{name} uses {needed} now: with {memory} it would be killed",
                        name=manifest.name if len(shares) == 1 else f"{manifest.name} ({container})",
                        needed=size_words(needed),
                        memory=size_words(memory),
                    ),
                    hint=hint,
                    data={"needed": needed},
                )


def check_limits(host: HostFacts, manifest: AppManifest, limits: OwnLimits) -> None:
    """Raise `NodeError` INVALID_VALUE where a limit is more than the host has, or less than an app can run with. Pure.

    The bounds of the numbers themselves are those of the RPC.
    """
    most = memory_for_apps(host)
    if limits.memory is not None and not least_memory(manifest) <= limits.memory <= most:
        raise _refusal(
            msg(
                "the memory of {name} can be from {least} to {most} here",
                name=manifest.name,
                least=size_words(least_memory(manifest)),
                most=size_words(most),
            )
        )
    if limits.cpu is not None and not LEAST_CPU <= limits.cpu <= host.cores:
        raise _refusal(msg("this host has {cores} processors: give from 0.01 to {cores}", cores=host.cores))
    if limits.pids is not None and limits.pids < least_pids(manifest):
        raise _refusal(msg("{name} needs at least {least} processes", name=manifest.name, least=least_pids(manifest)))


def _refusal(message: str) -> NodeError:
    return NodeError(ErrorCode.INVALID_VALUE, message, hint=msg("nothing was changed"))
