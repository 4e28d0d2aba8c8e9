"""Waits until an app does its work, or says why it will not."""

import asyncio
from collections.abc import Awaitable, Callable

from archipelago.api.health import Health, HealthState
from archipelago.container.desired.state import provides
from archipelago.container.health_monitor.monitor import STEADY
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError

_TRIES = 3
"""Restarts after which an operation stops waiting; the node itself never gives up."""
_MARGIN = 60.0


class Readiness:
    """Tells when an app is ready: healthy, or with nothing left to wait for but a chain's download."""

    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    async def wait(self, app: str, told: Callable[[str], Awaitable[None]]) -> str:
        """Return a remark once the app is ready; raises `NodeError` NOT_HEALTHY with its last log lines."""
        known = ""

        def news() -> bool:
            return self._remark(app) != known or self._ready(app) or self._hopeless(app)

        try:
            async with asyncio.timeout(self._limit(app)):
                while True:
                    await self._reconciler.changed.until(news)
                    if self._ready(app) and await self._stays_ready(app):
                        return self._remark(app)
                    if self._hopeless(app):
                        raise self._error(app, "does not come up")
                    known = self._remark(app)
                    await told(known)
        except TimeoutError:
            raise self._error(app, "is not ready in time") from None

    async def _stays_ready(self, app: str) -> bool:
        """Tell whether an app that is ready stays so; one that has crashed since it was asked for must prove it."""
        restarts = self._reconciler.health(app).restarts
        if not restarts:
            return True
        try:
            async with asyncio.timeout(STEADY):
                await self._reconciler.changed.until(
                    lambda: not self._ready(app) or self._reconciler.health(app).restarts != restarts
                )
        except TimeoutError:
            return True
        return False

    def _ready(self, app: str) -> bool:
        health = self._reconciler.health(app)
        if health.state in (HealthState.HEALTHY, HealthState.SYNCING):
            return True
        return health.state is HealthState.WAITING and self._waits_for_sync(app)

    def _waits_for_sync(self, app: str) -> bool:
        edges = [edge for edge in self._reconciler.desired.providers(app) if edge.gates and not edge.optional]
        healths = {edge.provider: self._reconciler.health(edge.provider) for edge in edges}
        # One that may start while its provider syncs waits no longer, though its keeper may not have noticed.
        late = {edge.provider for edge in edges if not provides(healths[edge.provider], edge.wait)}
        return bool(late) and all(
            healths[provider].state is HealthState.SYNCING
            or (healths[provider].state is HealthState.WAITING and self._waits_for_sync(provider))
            for provider in late
        )

    def _hopeless(self, app: str) -> bool:
        health = self._reconciler.health(app)
        if app in self._reconciler.desired.broken:
            return True
        if health.needs_owner:
            return True
        broken = (HealthState.FAILED, HealthState.BACKING_OFF, HealthState.UNHEALTHY)
        if health.state is HealthState.UNHEALTHY:
            return True
        if health.state in broken and health.restarts >= _TRIES:
            return True
        if health.state is not HealthState.WAITING:
            return not self._reconciler.desired.wanted(app)
        providers = [edge.provider for edge in self._reconciler.desired.providers(app) if edge.gates]
        return any(self._hopeless(provider) for provider in providers)

    def _limit(self, app: str) -> float:
        """Return seconds to wait: the start times of the app and of all that it waits for."""
        desired = self._reconciler.desired
        seen: set[str] = set()
        queue = [app]
        total = _MARGIN
        while queue:
            name = queue.pop()
            if name in seen or name not in desired.apps:
                continue
            seen.add(name)
            containers = desired.apps[name].workload.containers
            total += sum(container.health.start_timeout for container in containers if container.health is not None)
            queue.extend(edge.provider for edge in desired.providers(name))
        return total

    def _remark(self, app: str) -> str:
        health = self._reconciler.health(app)
        return f"{health.state}: {health.reason}" if health.reason else str(health.state)

    def _error(self, app: str, what: str) -> NodeError:
        culprit = self._culprit(app)
        health: Health = self._reconciler.health(culprit)
        failure = health.failure
        reason = failure.reason if failure is not None else health.reason
        logs = list(failure.logs) if failure is not None else []
        cause = str(reason or health.state)
        if culprit != app:
            cause = f"it needs {culprit}, of which: {cause}"
        return NodeError(
            ErrorCode.NOT_HEALTHY,
            f"{app} {what}: {cause}",
            hint=f"it stays installed and the node goes on trying; see 'archipelago logs {culprit}'",
            data={"app": culprit, "state": health.state.value, "logs": logs},
        )

    def _culprit(self, app: str) -> str:
        """Return the app for which another one waits in vain, or the app itself."""
        if self._reconciler.health(app).state is HealthState.WAITING:
            for edge in self._reconciler.desired.providers(app):
                if edge.gates and not edge.optional and self._hopeless(edge.provider):
                    return self._culprit(edge.provider)
        return app
