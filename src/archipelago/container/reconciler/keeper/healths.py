"""What the node says of each container of one app, and what it remembers of its failures."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from archipelago.api.health import TROUBLED, Failure, Health, HealthState
from archipelago.container.logs.file import last_lines
from archipelago.container.logs.parser import LogText
from archipelago.container.reconciler.restart_policy import RestartPolicy
from archipelago.container.workload.workload import ContainerWorkload, Workload
from archipelago.errors import NodeError

_LOG_LINES = 20
_LOG_LENGTH = 2000
"""Characters that are kept of each."""


class Healths:
    """Healths, restart policies and last failures of an app's containers, by their names in the manifest."""

    def __init__(
        self, app: str, redact: Callable[[str], str], changed: Callable[[str], None], adopted: Mapping[str, Health]
    ) -> None:
        """`changed` receives the app after each change; `adopted` is what an earlier life of the daemon found."""
        self._app = app
        self._redact = redact
        self._changed = changed
        self._healths = dict(adopted)
        self._failures: dict[str, Failure] = {}
        self._waits_for: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        """Container -> hash of the configuration of which policies and failures are."""
        self.policies: dict[str, RestartPolicy] = {}

    @property
    def all(self) -> Mapping[str, Health]:
        """Health of each container."""
        return self._healths

    def policy(self, container: str) -> RestartPolicy:
        """Return when and how often a container is restarted."""
        return self.policies.get(container, RestartPolicy())

    def waits_for(self, container: str) -> str:
        """Return what a container was last reported to wait for."""
        return self._waits_for.get(container, "")

    def report(self, container: str, state: HealthState, reason: str = "", *, needs_owner: bool = False) -> None:
        """Report a state, which the container has had since it was first reported."""
        retry_at, before = self.policy(container).retry_at, self._healths.get(container)
        same = before is not None and before.state == state
        health = Health(
            state=state,
            reason=reason,
            since=before.since if same and before is not None else datetime.now(UTC),
            retry_at=None if retry_at is None else _wall_clock(retry_at),
            needs_owner=needs_owner,
        )
        self.put(container, health)

    def report_waiting(self, container: str, reason: str) -> None:
        """Report that a container waits."""
        self._waits_for[container] = reason
        self.report(container, HealthState.WAITING, reason)

    def report_all(self, state: HealthState, reason: str) -> None:
        """Report a state of all containers that are not stopped."""
        for container, health in list(self._healths.items()):
            if health.state not in (HealthState.STOPPED, state):
                self.put(container, Health(state=state, reason=reason, since=datetime.now(UTC)))

    def report_stopped(self, containers: Iterable[str], reason: str) -> None:
        """Report that containers, or all that are known where none are given, have stopped."""
        for container in list(containers) or list(self._healths):
            self._healths.pop(container, None)
            self.put(container, Health(state=HealthState.STOPPED, reason=reason, since=datetime.now(UTC)))

    def report_problem(self, containers: Iterable[str], problem: str) -> None:
        """Report why nobody knows how containers should be."""
        problem = self._redact(problem)
        for container in containers:
            known = self._healths.get(container)
            if known is None or (known.state, known.reason) != (HealthState.FAILED, problem):
                self.put(container, Health(state=HealthState.FAILED, reason=problem, since=datetime.now(UTC)))

    def put(self, container: str, health: Health) -> None:
        """Take in a health; what an app answers to a probe, and what Podman says of it, may quote a secret."""
        health = health.model_copy(
            update={
                "reason": self._redact(health.reason),
                "restarts": self.policy(container).restarts,
                "failure": self._failures.get(container),
            }
        )
        if self._healths.get(container) != health:
            self._healths[container] = health
            self._changed(self._app)

    def note_failure(
        self,
        container: str,
        reason: str,
        exit_code: int | None = None,
        logs: Iterable[str] = (),
        *,
        disk_full: bool = False,
    ) -> None:
        """Remember the last time that something went wrong with a container."""
        self._failures[container] = Failure(
            at=datetime.now(UTC),
            reason=self._redact(reason),
            exit_code=exit_code,
            logs=tuple(logs),
            disk_full=disk_full,
        )

    async def note_failed_run(self, wanted: ContainerWorkload, reason: str, exit_code: int | None) -> None:
        """Remember what went wrong with a run, and the last lines that it wrote."""
        lines: list[LogText] = []
        with contextlib.suppress(NodeError):
            lines = await asyncio.to_thread(last_lines, wanted.log, self._redact, _LOG_LINES)
        self.note_failure(wanted.container, reason, exit_code, (line.text[:_LOG_LENGTH] for line in lines))

    def forget_failures(self) -> None:
        """Forget what went wrong, since its cause was removed."""
        self.policies.clear()
        self._failures.clear()

    def forget_all(self) -> None:
        """Forget the containers of an app that is gone."""
        self._healths.clear()

    def start_over(self, workload: Workload, *, everywhere: bool) -> list[str]:
        """Forget failures under another configuration, or `everywhere`, and containers that the app has no more.

        Return the containers that were reported as bad and whose next verdict counts, by their names in Podman.
        """
        again = []
        for wanted in workload.containers:
            before = self._hashes.get(wanted.container, wanted.hash)
            self._hashes[wanted.container] = wanted.hash
            if not everywhere and before == wanted.hash:
                continue
            self.policies.pop(wanted.container, None)
            self._failures.pop(wanted.container, None)
            known = self._healths.get(wanted.container)
            if known is not None and known.state in TROUBLED:
                again.append(wanted.name)
                self.report(wanted.container, HealthState.STARTING)
        for known_container in set(self._healths) - {each.container for each in workload.containers}:
            del self._healths[known_container]
        return again


def _wall_clock(at: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=max(0.0, at - time.monotonic()))
