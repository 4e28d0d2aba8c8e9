"""Takes note of what goes wrong with the containers of one app: why, and when each is tried again."""

import random
import time

from archipelago.api.health import HealthState
from archipelago.container.data.keeper import DataMissing
from archipelago.container.podman_client.errors import PodmanError, PortTaken, code_of
from archipelago.container.reconciler.keeper.healths import Healths
from archipelago.container.reconciler.keeper.repairer import Repairer
from archipelago.container.reconciler.keeper.runs import Runs
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.seen import Look
from archipelago.container.reconciler.step import Await, Note, NoteDeath, NoteRecovery, NoteUnhealthy
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import error_text, msg

_TRIES_WITH_ONE_CONTAINER = 2
"""Failed starts after which a container is created again."""
_DATA_RETRY = 5.0
"""Seconds between two looks for data that is missing: a disk may be mounted at any time."""

_KILLED = 128 + 9
"""Exit code of what SIGKILL ended."""


class Failures:
    """Carries out the steps that only take note of something."""

    def __init__(self, tools: Tools, healths: Healths, runs: Runs, repairer: Repairer) -> None:
        self._tools = tools
        self._healths = healths
        self._runs = runs
        self._repairer = repairer

    def failed_to_start(self, wanted: ContainerWorkload, error: PodmanError | NodeError, look: Look) -> Look:
        """Take note of a container that could not be created or started; return the look after it."""
        container = wanted.container
        self._repairer.delayed()
        now = time.monotonic()
        if isinstance(error, DataMissing):
            self._healths.report(container, HealthState.FAILED, error_text(error), needs_owner=True)
            return look.failed(wanted.name, now + _DATA_RETRY)
        reason = error_text(error)
        if isinstance(error, PortTaken):
            reason = msg("port {port} of this host is taken by another program", port=error.port)
        before = self._healths.policy(container)
        policy = self._healths.policies[container] = before.failed(now, 0.0, _spread())
        self._healths.note_failure(container, reason, disk_full=code_of(error) is ErrorCode.DISK_FULL)
        self._healths.report(container, HealthState.FAILED, reason)
        # What a kill -9 of Podman left of it may be beyond repair; its data lies elsewhere.
        useless = before.restarts >= _TRIES_WITH_ONE_CONTAINER
        return look.failed(wanted.name, policy.retry_at or now, useless=useless)

    async def note(self, step: Note, wanted: ContainerWorkload, *, lost: bool) -> None:
        """Take note of what a step says; `lost` where Podman shows a container as running. Raises `PodmanError`."""
        policy = self._healths.policy(wanted.container)
        match step:
            case Await():
                self._healths.report_waiting(wanted.container, step.reason)
                self._repairer.delayed()
            case NoteDeath():
                await self._note_death(wanted, lost=lost)
            case NoteUnhealthy():
                await self._note_unhealthy(wanted)
            case NoteRecovery():
                self._healths.policies[wanted.container] = policy.started()

    async def _note_unhealthy(self, wanted: ContainerWorkload) -> None:
        run = self._runs.get(wanted.name)
        await self._healths.note_failed_run(wanted, self._healths.all[wanted.container].reason, None)
        healthy_for = run.healthy_for if run is not None else 0.0
        policy = self._healths.policy(wanted.container).unhealthy(time.monotonic(), healthy_for, _spread())
        self._healths.policies[wanted.container] = policy

    async def _note_death(self, wanted: ContainerWorkload, *, lost: bool) -> None:
        run = self._runs.get(wanted.name)
        if run is None:
            return
        self._runs.forget(wanted.name)
        policy = self._healths.policy(wanted.container).failed(time.monotonic(), run.healthy_for, _spread())
        self._healths.policies[wanted.container] = policy
        details = await self._tools.client.containers.inspect(wanted.name)
        reason = msg(
            "ended with exit code {exit_code} after {age} s", exit_code=details.exit_code, age=f"{run.age:.0f}"
        )
        if lost:
            reason = msg("its monitor (conmon) was killed after {age} s", age=f"{run.age:.0f}")
        short = details.exit_code == _KILLED and await self._tools.limits.was_out_of_memory()
        if details.oom_killed or short:
            budget = self._tools.desired().container_budget(wanted.app, wanted.container)
            reason = msg(
                "ran out of memory (its limit is {memory} bytes) after {age} s",
                memory=wanted.spec.limits.memory if budget is None else budget.memory,
                age=f"{run.age:.0f}",
            )
        await self._healths.note_failed_run(wanted, reason, details.exit_code)
        self._healths.report(wanted.container, HealthState.BACKING_OFF, reason)


def _spread() -> float:
    return random.random()  # noqa: S311 - spreads restarts, no secret
