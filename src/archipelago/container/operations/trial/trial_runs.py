"""Runs apps for a trial in scratch copies; see the package."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.desired.installed_apps import Records
from archipelago.container.health_monitor.monitor import STEADY
from archipelago.container.images.store import ImageStore
from archipelago.container.logs.file import last_lines
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.namespace.client import Namespace
from archipelago.container.operations.trial.endable import EndableRun
from archipelago.container.operations.trial.isolated import IsolatedApp, anchor_name, isolated
from archipelago.container.operations.trial.pod import TrialPod
from archipelago.container.operations.trial.scratch import Scratch, ScratchApp, TrialOrder, refuse_untriable
from archipelago.container.operations.trial.verdict import (
    TrialOutcome,
    TrialVerdict,
    is_settled,
    judge,
    time_limit,
)
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.labels import TRIAL
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.resource_manager.budgets import ContainerBudget
from archipelago.performance.resource_manager.pauses import HostRoom
from archipelago.performance.resource_manager.trial_room import least_free, no_room
from archipelago.storage.layout import TRIAL as TRIAL_FOLDER
from archipelago.storage.layout import app_files
from archipelago.storage.stores.state import State
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_SHARE = 0.5
"""Of its limit of memory, which an app may take while nobody uses it."""
_LINES = 20
_BEYOND = 600.0
"""Seconds that conmon leaves beyond the end that this daemon sees to."""
_log = structlog.get_logger("trials")

Stay = Callable[[TrialPod, TrialVerdict], Awaitable[None]]
"""Is awaited while the copy runs, once it is known how it is."""
Say = Callable[[str], Awaitable[None]]
"""Receives what goes on, in words for the owner."""


@dataclass(frozen=True, slots=True)
class TrialRuns:
    """Runs one scratch copy of an app at a time."""

    scratch: Scratch
    client: PodmanClient
    namespace: Namespace
    images: ImageStore
    state: State
    node_id: str
    busybox: str
    """A static busybox of the host."""
    redact: Callable[[str], str]
    require_room: Callable[[], None]
    """Raises `NodeError` where the disk is too full for anything new."""
    free_memory: Callable[[], int]
    """Bytes of memory that programs of the host may still take."""
    budgets: Callable[[AppManifest], Mapping[str, ContainerBudget]]
    """What each container of an app may take of this host."""
    room: Callable[[], HostRoom]
    """What is left of the host; may block."""
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    _running: dict[str, EndableRun] = field(default_factory=dict)

    async def run(
        self, order: TrialOrder, say: Say | None = None, stay: Stay | None = None, *, longest_stay: float = 0.0
    ) -> TrialVerdict:
        """Bring an app up in a scratch copy, and return how it is; nothing of the copy is left after it.

        Raises `NodeError` where it cannot be tried, or is ended since there is no room. `longest_stay` are the seconds
        that `stay` may take.
        """
        app = order.record.app
        installed = await self.state.load_apps()
        if not order.only:
            refuse_untriable(order.record, installed.get(app))
        self.require_room()
        await self._require_memory(order)
        async with self._turns.setdefault(app, asyncio.Lock()):
            await self._clear(app)
            run = self._running[app] = EndableRun(await self._least_free(app))
            try:
                return await run.of(self._bring_up(order, installed, say, stay, longest_stay))
            except ResolutionError as error:
                return TrialVerdict(TrialOutcome.UNDECIDED, error.message)
            except PodmanError as error:
                raise NodeError(
                    ErrorCode.INTERNAL, msg("{app} cannot be tried: {error}", app=app, error=error)
                ) from error
            finally:
                try:
                    await asyncio.shield(self._clear(app))
                finally:
                    del self._running[app]

    def end_for_room(self, room: HostRoom) -> bool:
        """End the trials for which the host has no room any more; return whether one that was ended is still there.

        As long as there is, no app needs to be paused.
        """
        for app, run in self._running.items():
            if run.ended is None and (why := no_room(app, run.least_free, room)) is not None:
                _log.warning("a trial run is ended", app=app, reason=why.message)
                run.end(why)
        return any(run.ended is not None for run in self._running.values())

    async def _least_free(self, app: str) -> int:
        room = await asyncio.to_thread(self.room)
        least = least_free(room)
        if (why := no_room(app, least, room)) is not None:
            raise why
        return least

    async def _bring_up(
        self, order: TrialOrder, installed: Records, say: Say | None, stay: Stay | None, longest_stay: float
    ) -> TrialVerdict:
        await _said(say, msg("copies what it was"))
        found = await self.scratch.make(order, installed)
        await _said(say, msg("starts it without network"))
        verdict = await self._try(found, stay, longest_stay)
        if order.keep:
            await self._remove_containers(order.record.app)
            await self.scratch.give_back(order)
        return verdict

    async def sweep(self) -> None:
        """Remove the containers that a crash left running; call it at the start. Never raises."""
        try:
            await self._remove_containers()
        except PodmanError as error:
            _log.warning("containers of trial runs are not removed", error=str(error))

    async def delete_leftovers(self) -> None:
        """Delete the scratch copies that a crash left on the disk, which may take long. Never raises `NodeError`."""
        for app in await asyncio.to_thread(self._left_on_disk):
            async with self._turns.setdefault(app, asyncio.Lock()):
                try:
                    await self.scratch.remove(app)
                except NodeError as error:
                    _log.warning("a scratch copy is not deleted", app=app, error=error.message)

    async def _require_memory(self, order: TrialOrder) -> None:
        """Raise `NodeError` where the copy would take memory from apps that run: they come first."""
        budgets = self.budgets(order.record.package.manifest).items()
        limits = [each.memory for name, each in budgets if order.only in ("", name)]
        free, needed = await asyncio.to_thread(self.free_memory), int(sum(limits) * _SHARE)
        if free < needed:
            raise NodeError(
                ErrorCode.BUSY,
                msg(
                    "a copy of {app} needs {needed} of memory, and {free} are free",
                    app=order.record.app,
                    needed=size_words(needed),
                    free=size_words(free),
                ),
                hint=msg("stop an app that you do not need now, or try again later"),
            )

    async def _try(self, found: ScratchApp, stay: Stay | None, longest_stay: float) -> TrialVerdict:
        workload = found.app.workload
        limit = time_limit(workload.containers)
        started = time.monotonic()
        pod = await self._pod(found, round(limit + longest_stay + _BEYOND))
        names = [each.container for each in workload.containers]
        async with pod:
            try:
                async with asyncio.timeout(limit):
                    await self._settled(pod, names)
            except TimeoutError:
                pass  # what is not up by then is not up
            outcome, reason = judge(pod.healths, names, found.providers)
            verdict = TrialVerdict(outcome, reason, round(time.monotonic() - started, 1), await self._logs(found, pod))
            _log.info("a trial run", app=workload.app, outcome=verdict.outcome, reason=verdict.reason)
            if stay is not None:
                await stay(pod, verdict)
            return verdict

    async def _pod(self, found: ScratchApp, longest: int) -> TrialPod:
        workload, package = found.app.workload, found.app.record.package
        images = {}
        for each in workload.containers:
            image = await self.images.image_id(package, each.container)
            if image is None:
                raise NodeError(ErrorCode.IMAGE, msg("the image of {app} is not here", app=workload.app))
            images[each.container] = image
        files = app_files(str(self.scratch.layout.trial_files), workload.app)
        app: IsolatedApp = isolated(
            workload,
            images,
            self.budgets(package.manifest),
            node_id=self.node_id,
            busybox=self.busybox,
            files=files,
            longest=longest,
        )
        return TrialPod(app, found.app.probe_secrets, self.client, self.namespace, self.redact)

    async def _settled(self, pod: TrialPod, names: list[str]) -> None:
        """Return once it is known how the app is; one that has crashed must stay up for a while."""
        while True:
            await pod.changed.until(lambda: is_settled(pod.healths, names))
            crashes = pod.crashes
            if not crashes or not all(map(pod.works, names)):
                return
            await asyncio.sleep(STEADY)
            if pod.crashes == crashes:
                return

    async def _logs(self, found: ScratchApp, pod: TrialPod) -> dict[str, tuple[str, ...]]:
        logs = {}
        for each in found.app.workload.containers:
            if not pod.works(each.container):
                lines = await asyncio.to_thread(last_lines, each.log, self.redact, _LINES)
                logs[each.container] = tuple(line.text for line in lines)
        return logs

    async def _clear(self, app: str) -> None:
        try:
            await self._remove_containers(app)
        except PodmanError as error:
            _log.warning("containers of a trial run are not removed", app=app, error=str(error))
        await self.scratch.remove(app)

    async def _remove_containers(self, app: str | None = None) -> None:
        found = await self.client.containers.list(labels={TRIAL: self.node_id})
        anchor = None if app is None else anchor_name(app)
        names = [each.name for each in found if anchor is None or each.name.partition("--")[0] == anchor]
        # The anchor last: Podman removes no container whose loopback others share.
        for name in sorted(names, key=lambda each: "--" not in each):
            await self.client.containers.remove(name, force=True)

    def _left_on_disk(self) -> tuple[str, ...]:
        layout = self.scratch.layout
        found = [path.parent.name for path in layout.apps.glob(f"*/{TRIAL_FOLDER}")]
        found += [path.name for path in layout.trial_files.glob("*")]
        return tuple(dict.fromkeys(name for name in found if not name.startswith(".")))


async def _said(say: Say | None, words: str) -> None:
    if say is not None:
        await say(words)
