"""A chain daemon answers while it still loads what is on its disk, and may find then that it cannot go on."""

import asyncio
from collections.abc import Awaitable, Callable

from archipelago.api.health import HealthState
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.reconciler.reconciler import Reconciler

_LONGEST = 600.0
"""Seconds after which an operation no longer waits for a daemon that loads; on a slow disk it may take long."""


async def past_warm_up(reconciler: Reconciler, app: str, ready: Callable[[], Awaitable[str]]) -> str:
    """Return what `ready` says once the app is ready and has loaded what is on its disk; raises what `ready` raises."""
    remark = await ready()
    try:
        async with asyncio.timeout(_LONGEST):
            while is_loading(reconciler, app):
                await reconciler.changed.until(lambda: not is_loading(reconciler, app))
                remark = await ready()
    except TimeoutError:
        pass  # it goes on to load, and its health says so
    return remark


def is_loading(reconciler: Reconciler, app: str) -> bool:
    """Return whether a chain daemon of the app answers, but does not know its height yet."""
    found = reconciler.desired.apps.get(app)
    if found is None:
        return False
    healths = reconciler.container_healths(app)
    return any(
        spec.health is not None
        and isinstance(spec.health.probe, ChainProbe)
        and name in healths
        and healths[name].state is HealthState.SYNCING
        and healths[name].sync is None
        for name, spec in found.record.package.manifest.containers.items()
    )
