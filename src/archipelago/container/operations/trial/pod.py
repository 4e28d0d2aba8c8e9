"""The containers of a scratch copy while they run: started in order, probed, and started again after a crash."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from archipelago.api.health import WORKING, Health, HealthState
from archipelago.container.health_monitor.monitor import HealthMonitor
from archipelago.container.health_monitor.probe_command import run_probe_command
from archipelago.container.health_monitor.probes import Prober, Watched
from archipelago.container.logs.file import make_ready
from archipelago.container.namespace.client import Namespace, Target
from archipelago.container.namespace.owned_paths import FileRequest, PassageRequest
from archipelago.container.operations.trial.isolated import IsolatedApp
from archipelago.container.operations.trial.verdict import TRIES
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.models import ContainerDetails
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.secret import Secret
from archipelago.support.broadcast import Signal
from archipelago.support.process import process_exit
from archipelago.support.texts.text import error_text, msg

_LOOPBACK = "127.0.0.1"
_PAUSE = 1.0
"""Seconds before a container that crashed starts again; twice as long each time."""


class TrialPod:
    """Runs the scratch copy of an app from its entry to its exit as a context; who leaves it removes the containers."""

    def __init__(
        self,
        isolated: IsolatedApp,
        secrets: Mapping[str, Secret],
        client: PodmanClient,
        namespace: Namespace,
        redact: Callable[[str], str],
    ) -> None:
        self._isolated = isolated
        self._secrets = secrets
        self._client = client
        self._namespace = namespace
        self._redact = redact
        self._monitor = HealthMonitor(Prober(namespace, self._execute, redact), self._report)
        self._tasks: list[asyncio.Task[None]] = []
        self.healths: dict[str, Health] = {}
        """Of each container that was started, by its name in the manifest."""
        self.crashes = 0
        self.changed = Signal()
        self.pid = 0
        """Of a process on the loopback."""

    async def __aenter__(self) -> Self:
        await self._write_files()
        await self._client.containers.create(self._isolated.anchor)
        await self._client.containers.init(self._isolated.anchor.name)
        details = await self._client.containers.inspect(self._isolated.anchor.name)
        self.pid = details.pid
        await asyncio.to_thread(require_loopback_alone, self.pid)
        await self._client.containers.start(self._isolated.anchor.name)
        self._tasks = [asyncio.create_task(self._keep(each)) for each in self._isolated.containers]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._monitor.close()

    async def _write_files(self) -> None:
        hosts, containers = self._isolated.hosts, self._isolated.containers
        passages = [PassageRequest(each.path, each.gid) for found in containers for each in found.passages]
        files = [each for found in containers for each in found.files]
        await self._namespace.make(
            (
                *passages,
                *(FileRequest(f.path, f.content.reveal(), f.uid, f.gid, f.mode) for f in (hosts, *files)),
            )
        )

    async def _keep(self, wanted: ContainerWorkload) -> None:
        """Run a container again and again, until it has crashed too often."""
        name = wanted.container
        await self.changed.until(lambda: all(self.works(each) for each in wanted.after))
        try:
            await asyncio.to_thread(make_ready, wanted.log, wanted.spec.log_max_size)
            await self._client.containers.create(wanted.spec)
            for crash in range(TRIES):
                if crash:
                    await asyncio.sleep(_PAUSE * 2 ** (crash - 1))
                details = await self._start(wanted)
                self._monitor.watch(self._watched(wanted, details), 0.0, self._set(name, HealthState.STARTING))
                await process_exit(details.pid)
                self._monitor.unwatch(wanted.name)
                self.crashes += 1
                self._set(name, HealthState.BACKING_OFF, await self._end(wanted))
        except (PodmanError, NodeError) as error:
            self._set(name, HealthState.FAILED, self._redact(error_text(error)))
            return
        self._set(name, HealthState.FAILED, self.healths[name].reason)

    async def _start(self, wanted: ContainerWorkload) -> ContainerDetails:
        await self._client.containers.init(wanted.name)
        details = await self._client.containers.inspect(wanted.name)
        await asyncio.to_thread(require_loopback_alone, details.pid)
        await self._client.containers.start(wanted.name)
        return details

    async def _end(self, wanted: ContainerWorkload) -> str:
        code = await self._client.containers.wait(wanted.name, timeout=30.0)
        if (await self._client.containers.inspect(wanted.name)).oom_killed:
            return msg("ran out of memory (its limit is {memory} bytes)", memory=wanted.spec.limits.memory)
        return msg("ended with exit code {exit_code}", exit_code=code)

    def _watched(self, wanted: ContainerWorkload, details: ContainerDetails) -> Watched:
        target = Target(details.pid, _LOOPBACK)
        return Watched(wanted.app, wanted.container, wanted.name, target, wanted.health, dict(self._secrets))

    def name_of(self, container: str) -> str:
        """Return the name in Podman of a container."""
        return next(each.name for each in self._isolated.containers if each.container == container)

    def works(self, container: str) -> bool:
        """Return whether a container does its work."""
        return container in self.healths and self.healths[container].state in WORKING

    def _set(self, container: str, state: HealthState, reason: str = "") -> Health:
        health = self.healths[container] = Health(state=state, reason=reason, since=datetime.now(UTC))
        self.changed.notify()
        return health

    async def _report(self, watched: Watched, health: Health) -> None:
        self.healths[watched.container] = health
        self.changed.notify()

    async def _execute(self, name: str, command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        return await run_probe_command(self._client, self._redact, name, command, timeout)


def require_loopback_alone(pid: int) -> None:
    """Raise `NodeError` where a process, before its program starts, has a route to anywhere else. Blocking."""
    folder = Path(f"/proc/{pid}/net")
    try:
        routes = [line.split()[0] for line in (folder / "route").read_text("ascii").splitlines()[1:]]
        if (folder / "ipv6_route").exists():
            routes += [line.split()[-1] for line in (folder / "ipv6_route").read_text("ascii").splitlines()]
    except OSError as error:
        routes = [str(error)]
    if elsewhere := sorted(set(routes) - {"lo"}):
        raise NodeError(
            ErrorCode.INTERNAL,
            msg(
                "the scratch copy is not cut off from the network, so it does not start: {routes}",
                routes=", ".join(elsewhere),
            ),
        )
