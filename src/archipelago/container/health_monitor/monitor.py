"""Watches running containers: one probe loop each, from `starting` to `healthy` and back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from archipelago.api.health import Health, HealthState
from archipelago.container.health_monitor.probes import Prober, Watched
from archipelago.container.health_monitor.progress import Progress
from archipelago.support.texts.text import msg

STEADY = 10.0
"""Seconds for which a container without a probe must have run before it counts as healthy, and for which an app that
has crashed must stay up before an operation counts it as ready."""

_FIRST_INTERVAL = 0.25
"""Time between probes of a container that has not answered yet; grows to the manifest's interval."""

Report = Callable[[Watched, Health], Awaitable[None]]


class HealthMonitor:
    """Runs the probe loops and reports each change of health."""

    def __init__(self, prober: Prober, report: Report) -> None:
        self._prober = prober
        self._report = report
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._watched: dict[str, Watched] = {}

    def watch(self, watched: Watched, ran_for: float, health: Health) -> None:
        """Probe this run of a container until `unwatch`, or until another run of it is watched.

        It has run for `ran_for` seconds, and `health` is its health until a probe says otherwise.
        """
        self.unwatch(watched.name)
        self._watched[watched.name] = watched
        self._loops[watched.name] = asyncio.create_task(self._loop(watched, ran_for, health))

    def unwatch(self, name: str) -> None:
        """Stop probing a container."""
        self._watched.pop(name, None)
        if (loop := self._loops.pop(name, None)) is not None:
            loop.cancel()

    def watched(self, app: str) -> tuple[Watched, ...]:
        """Return the containers of an app that run and are probed; they hold the secrets of the probes."""
        return tuple(each for each in self._watched.values() if each.app == app)

    async def close(self) -> None:
        """Stop all probes."""
        tasks = list(self._loops.values())
        self._loops.clear()
        self._watched.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self, watched: Watched, ran_for: float, known: Health) -> None:
        if watched.spec is None:
            await self._await_steadiness(watched, ran_for, known)
            return
        began = time.monotonic() - ran_for
        answered = known.state is not HealthState.STARTING
        progress = Progress(known if answered else known.model_copy(update={"reason": "not probed yet"}), 0, answered)
        pause = _FIRST_INTERVAL
        while True:
            verdict = await self._prober.probe(watched, watched.spec)
            before = progress.health
            progress = progress.after(verdict, watched.spec, time.monotonic() - began, datetime.now(UTC))
            if progress.health != before:
                await self._report(watched, progress.health)
            steady = progress.health.state is HealthState.HEALTHY
            pause = watched.spec.interval if steady else min(pause * 1.5, watched.spec.interval)
            await asyncio.sleep(pause)

    async def _await_steadiness(self, watched: Watched, ran_for: float, known: Health) -> None:
        """Report a container without a probe as healthy once it has run for long enough not to be one that crashes."""
        if known.state is HealthState.HEALTHY:
            return
        if (left := STEADY - ran_for) > 0:
            reason = msg("has no probe; healthy after it has run for {seconds} s", seconds=f"{STEADY:g}")
            await self._report(watched, known.model_copy(update={"reason": reason}))
            await asyncio.sleep(left)
        await self._report(watched, Health(state=HealthState.HEALTHY, since=datetime.now(UTC)))
