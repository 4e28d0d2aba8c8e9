"""The runs of one app's containers that go on: each is watched for its end, and its container is probed."""

import asyncio
from collections.abc import Callable, Mapping

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.desired.state import DesiredApp
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.namespace.client import Target
from archipelago.container.podman_client.models import ContainerDetails
from archipelago.container.reconciler.keeper.container_run import Remembered, Run
from archipelago.container.reconciler.keeper.healths import Healths
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.seen import WatchedRun
from archipelago.container.workload.networks import own_network_name
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.support.process import process_start

_OF_A_RUN = (HealthState.STARTING, HealthState.SYNCING, HealthState.HEALTHY, HealthState.UNHEALTHY)
"""What a probe finds; all else says what the daemon was doing."""


class Runs:
    """The watched runs of an app, by the names of the containers in Podman."""

    def __init__(
        self,
        app: str,
        tools: Tools,
        healths: Healths,
        adopted: Mapping[str, Remembered],
        on_end: Callable[[], None],
    ) -> None:
        """`adopted` is what an earlier life of the daemon found, by container; `on_end` is called when a run ends."""
        self._app = app
        self._tools = tools
        self._healths = healths
        self._adopted = dict(adopted)
        self._on_end = on_end
        self._runs: dict[str, Run] = {}
        self._started: dict[str, ContainerDetails] = {}
        """What Podman said of containers that were started just now."""

    def get(self, name: str) -> Run | None:
        """Return the run of a container that is watched, if any."""
        return self._runs.get(name)

    def watched(self, name: str) -> WatchedRun | None:
        """Return what a decision needs to know of a run."""
        run = self._runs.get(name)
        return None if run is None else WatchedRun(run.details.id, run.details.pid, run.over_since)

    def probed(self, name: str, health: Health) -> None:
        """Take note of what a probe of a container found."""
        if (run := self._runs.get(name)) is not None:
            run.note(answers=health.state in WORKING)

    def remember(self) -> dict[str, Remembered]:
        """Return what the next life of the daemon needs to know of the runs that go on."""
        names = {run.container: run for run in self._runs.values()}
        return {
            container: Remembered(names[container].key, health)
            for container, health in self._healths.all.items()
            if container in names and health.state in _OF_A_RUN
        }

    def started(self, name: str, details: ContainerDetails) -> None:
        """Take note of what Podman says of a container that was started just now, so that it is not asked again."""
        self._started[name] = details

    async def watch(self, desired: DesiredApp, wanted: ContainerWorkload) -> None:
        """Watch a run that was not known: one that we started, or one from an earlier life of the daemon."""
        self.end(wanted.name)
        details = self._started.pop(wanted.name, None) or await self._tools.client.containers.inspect(wanted.name)
        # By the kernel: a clock that was set since the start changes nothing.
        start = await asyncio.to_thread(process_start, details.pid)
        run = self._runs[wanted.name] = Run(details, wanted.container, start, self._on_end)
        known, health = self._adopted.pop(wanted.container, None), self._healths.all.get(wanted.container)
        if known is None or known.run != run.key or known.health != health:
            self._healths.report(wanted.container, HealthState.STARTING)
        # Its own network, which it never leaves.
        own = details.networks.get(own_network_name(self._app))
        target = Target(details.pid, str(own.ip) if own is not None and own.ip is not None else "127.0.0.1")
        watched = Watched(self._app, wanted.container, wanted.name, target, wanted.health, dict(desired.probe_secrets))
        self._tools.monitor.watch(watched, run.age, self._healths.all[wanted.container])

    def end(self, name: str) -> None:
        """Watch and probe a run no longer; it goes on."""
        self._tools.monitor.unwatch(name)
        if (run := self._runs.pop(name, None)) is not None:
            run.close()

    def end_all(self) -> None:
        """Watch and probe no run any longer; they go on."""
        for name in tuple(self._runs):
            self.end(name)

    def forget(self, name: str) -> None:
        """Take note that a run has ended, or is about to."""
        self._tools.firewall.forget(name)
        self._tools.limits.forget(name)
        self._started.pop(name, None)
        self.end(name)

    def forget_all(self) -> None:
        """Take note that all runs have ended, or that nobody keeps them any more."""
        for name in (*self._runs, *self._started):
            self.forget(name)
