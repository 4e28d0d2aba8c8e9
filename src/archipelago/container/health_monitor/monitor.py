"""Watches running containers: one probe loop each, from `starting` to `healthy` and back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from archipelago.api.apps import Health, HealthState, Sync
from archipelago.chains.bitcoin import health as bitcoin
from archipelago.container.manifest.model.probes import ChainProbe, ExecProbe, HealthCheck, HttpProbe, TcpProbe
from archipelago.container.namespace.client import Namespace, ProbeFailed, Target
from archipelago.security.secrets.secret import Secret

_STILL_SYNCING = 75
"""Exit code of a probe command that works but still syncs (EX_TEMPFAIL, sysexits.h)."""

STEADY = 10.0
"""Seconds for which a container without a probe must have run before it counts as healthy, and for which an app that
has crashed must stay up before an operation counts it as ready."""

_FIRST_INTERVAL = 0.25
"""Time between probes of a container that has not answered yet; grows to the manifest's interval."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A running container and how it is probed."""

    app: str
    container: str
    name: str
    """Its name in Podman."""
    target: Target
    spec: HealthCheck | None
    """None: a container without a probe is healthy once it has run for `STEADY` seconds."""
    secrets: dict[str, Secret]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one probe found: it answers, it answers but syncs, or it does not."""

    ok: bool
    reason: str = ""
    sync: Sync | None = None
    syncing: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Health of one run of a container, as probes shape it. Pure: times come from outside."""

    health: Health
    failures: int = 0
    answered: bool = False
    sync_began: tuple[float, float] | None = None
    """When syncing was first seen, and at how many percent: the base of the estimate."""

    def after(self, verdict: Verdict, spec: HealthCheck, elapsed: float, now: datetime) -> "Progress":
        """Return the progress after one more probe; `elapsed` is seconds since the container was started."""
        if verdict.ok:
            state = HealthState.SYNCING if verdict.syncing else HealthState.HEALTHY
            began, sync = self._estimate(verdict, elapsed)
            return Progress(self._moved(state, verdict.reason, now, sync), 0, True, began)
        failures = self.failures + 1
        if not self.answered:
            late = elapsed > spec.start_timeout
            reason = f"no answer {spec.start_timeout:g} s after its start: {verdict.reason}" if late else verdict.reason
            state = HealthState.UNHEALTHY if late else HealthState.STARTING
            return replace(self, health=self._moved(state, reason, now, None), failures=failures)
        if failures < spec.failures:
            return replace(self, failures=failures)
        return replace(self, health=self._moved(HealthState.UNHEALTHY, verdict.reason, now, None), failures=failures)

    def _estimate(self, verdict: Verdict, elapsed: float) -> tuple[tuple[float, float] | None, Sync | None]:
        sync = verdict.sync
        if sync is None or not verdict.syncing:
            return None, sync
        began = self.sync_began or (elapsed, sync.percent)
        spent, gained = elapsed - began[0], sync.percent - began[1]
        left = (100 - sync.percent) * spent / gained if gained > 0.01 and spent > 10 else None
        return began, sync.model_copy(update={"seconds_left": None if left is None else round(left)})

    def _moved(self, state: HealthState, reason: str, now: datetime, sync: Sync | None) -> Health:
        since = self.health.since if state == self.health.state else now
        return self.health.model_copy(update={"state": state, "reason": reason, "since": since, "sync": sync})


Report = Callable[[Watched, Health], Awaitable[None]]
Execute = Callable[[str, tuple[str, ...], float], Awaitable[tuple[int, str]]]


class HealthMonitor:
    """Runs the probe loops and reports each change of health.

    `execute(container name, command, timeout)` runs a command inside a container and returns its exit code and the
    first line that it printed. `redact` takes secrets out of what a container answers.
    """

    def __init__(self, namespace: Namespace, execute: Execute, report: Report, redact: Callable[[str], str]) -> None:
        self._namespace = namespace
        self._redact = redact
        self._execute = execute
        self._report = report
        self._log = structlog.get_logger("health")
        self._loops: dict[str, tuple[Watched, asyncio.Task[None]]] = {}

    def watch(self, watched: Watched, ran_for: float, health: Health) -> None:
        """Probe this run of a container until `unwatch`, or until another run of it is watched.

        It has run for `ran_for` seconds, and `health` is its health until a probe says otherwise.
        """
        known = self._loops.get(watched.name)
        if known is not None:
            if known[0].target == watched.target and known[0].spec == watched.spec:
                return
            known[1].cancel()
        self._loops[watched.name] = (watched, asyncio.create_task(self._loop(watched, ran_for, health)))

    def unwatch(self, name: str) -> None:
        """Stop probing a container."""
        known = self._loops.pop(name, None)
        if known is not None:
            known[1].cancel()

    async def close(self) -> None:
        """Stop all probes."""
        tasks = [task for _, task in self._loops.values()]
        self._loops.clear()
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
            verdict = await self._probe(watched, watched.spec)
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
            reason = f"has no probe; healthy after it has run for {STEADY:g} s"
            await self._report(watched, known.model_copy(update={"reason": reason}))
            await asyncio.sleep(left)
        await self._report(watched, Health(state=HealthState.HEALTHY, since=datetime.now(UTC)))

    async def _probe(self, watched: Watched, spec: HealthCheck) -> Verdict:
        probe, target = spec.probe, watched.target
        try:
            match probe:
                case TcpProbe():
                    await self._namespace.tcp(target, probe.port, spec.timeout)
                    return Verdict(True)
                case HttpProbe():
                    answer = await self._namespace.http(target, probe.port, probe.path, spec.timeout)
                    if answer.status < 400:
                        return Verdict(True)
                    return Verdict(False, f"HTTP status {answer.status} on port {probe.port}")
                case ExecProbe():
                    code, said = await self._execute(watched.name, probe.command, spec.timeout)
                    if code in (0, _STILL_SYNCING):
                        return Verdict(True, said if code else "", syncing=bool(code))
                    return Verdict(False, said or f"'{probe.command[0]}' ended with exit code {code}")
                case ChainProbe():
                    return await self._chain(watched, probe, spec.timeout)
        except ProbeFailed as error:
            port = getattr(probe, "port", None)
            return Verdict(False, f"port {port}: {error}" if port else str(error))
        except Exception as error:
            # A mistake of ours must not end the probes, nor look like health; its text may hold a secret.
            self._log.error("probe cannot be made", container=watched.name, error=type(error).__name__)
            return Verdict(False, f"it cannot be probed ({type(error).__name__})")

    async def _chain(self, watched: Watched, probe: ChainProbe, timeout: float) -> Verdict:
        headers = bitcoin.request_headers(probe.user, watched.secrets[probe.secret].reveal())
        answer = await self._namespace.http(
            watched.target, probe.port, "/", timeout, method="POST", headers=headers, body=bitcoin.REQUEST_BODY
        )
        try:
            # All of it, and not the reason alone: the name of the chain is the app's own word as well.
            chain = bitcoin.parse_answer(answer.status, self._redact(answer.body))
        except ValueError as error:
            return Verdict(False, str(error))
        if chain.sync is None:
            return Verdict(True, chain.message, None, True)
        sync, reason = bitcoin.judged(chain.sync, time.time())
        return Verdict(True, reason, sync, bool(reason))
