"""Copies files that prove claims to money to other places each time they change: here at once, then to all targets."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath

import structlog

from archipelago.api.data import StreamTargetView, StreamView
from archipelago.backups.contents import Names
from archipelago.container.data.data_classes import AppendProofVolume, app_volumes
from archipelago.container.data.stream_copies import LARGEST, StreamCopy, copies_in, store_copy
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.found import FileSign
from archipelago.container.operations.target_notes import TargetNotes, TargetState
from archipelago.container.proposals.disk_rules import rendered_paths
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.errors import NodeError
from archipelago.storage.layout import Layout
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

_WATCH = 30.0
"""Seconds after which a watch that saw nothing starts again."""
_AGAIN = 1.0
_log = structlog.get_logger("streams")


@dataclass(frozen=True, slots=True)
class Stream:
    """A file that is copied each time it changes."""

    app: str
    volume: str
    """Name of the volume, or of the part of one that is in use (`VOLUME.PART`)."""
    place: str
    """Directory of the volume."""
    path: Names


@dataclass(slots=True)
class StreamState:
    """How it stands with a stream."""

    newest: StreamCopy | None = None
    at: datetime | None = None
    """When it was copied, or found to be the same as the newest copy."""
    problem: str = ""


@dataclass(slots=True)
class Streams:
    """Watches the streams of all installed apps."""

    namespace: Namespace
    layout: Layout
    renderer: Renderer
    notes: TargetNotes
    desired: Callable[[], DesiredState]
    changed: Signal
    """Notified when the desired state may have changed."""
    _states: dict[Stream, StreamState] = field(default_factory=dict)

    async def run(self) -> None:
        """Watch for ever."""
        tasks: dict[Stream, asyncio.Task[None]] = {}
        try:
            while True:
                seen = self.desired()
                wanted = await self._streams(seen)
                for stream in tasks.keys() - wanted:
                    tasks.pop(stream).cancel()
                    self._states.pop(stream, None)
                for stream in wanted - tasks.keys():
                    tasks[stream] = asyncio.create_task(self._watch(stream))
                await self.changed.until(lambda seen=seen: self.desired() is not seen)  # type: ignore[misc]
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def view(self, app: str | None = None) -> tuple[StreamView, ...]:
        """Return how it stands with the streams of an app, or of all."""
        targets = await self.notes.work.targets.names()
        ordered = sorted(self._states.items(), key=lambda pair: (pair[0].app, pair[0].volume))
        return tuple(
            [
                await self._view(stream, state, {each: self._target(stream.app, each) for each in targets})
                for stream, state in ordered
                if app in (None, stream.app)
            ]
        )

    async def _view(self, stream: Stream, state: StreamState, targets: Mapping[str, TargetState]) -> StreamView:
        copies = await asyncio.to_thread(copies_in, self.layout.app(stream.app).streams / stream.volume)
        newest = state.newest
        return StreamView(
            app=stream.app,
            volume=stream.volume,
            file="/".join(stream.path),
            at=state.at,
            size=newest.size if newest is not None else 0,
            copies=len(copies),
            problem=state.problem,
            targets=tuple(
                StreamTargetView(
                    target=name,
                    current=newest is not None and found.copies.get(stream.volume) == newest,
                    at=found.at,
                    problem=found.problem,
                )
                for name, found in targets.items()
            ),
        )

    def _target(self, app: str, target: str) -> TargetState:
        return self.notes.states.get((app, target), TargetState())

    async def _streams(self, state: DesiredState) -> set[Stream]:
        found: set[Stream] = set()
        for each in state.apps.values():
            if all(volume.stream is None for volume in each.record.package.manifest.volumes.values()):
                continue
            with contextlib.suppress(NodeError):  # its template is wrong, which the app's own health says
                found |= await asyncio.to_thread(self._of, each, state)
        return found

    def _of(self, app: DesiredApp, state: DesiredState) -> set[Stream]:
        manifest, planned = app.record.package.manifest, state.plan.planned(app.record.app)
        places = {PurePath(each.path).name: each for each in app.workload.volumes}
        found = set()
        for volume in app_volumes(app.record):
            path, place = volume.declared.stream, places.get(volume.name)
            if path is None or place is None or not isinstance(volume, AppendProofVolume):
                continue
            options = planned.options if planned is not None else {}
            (names,) = rendered_paths(manifest, f"volumes.{volume.name}.stream", (path,), options, self.renderer)
            name = volume.name if place.part is None else f"{volume.name}.{place.part}"
            found.add(Stream(manifest.id, name, place.used, names))
        return found

    async def _watch(self, stream: Stream) -> None:
        state = self._states[stream] = StreamState()
        known: FileSign | None = None
        self.notes.wake(stream.app)  # what an earlier life of the daemon has not written yet
        while True:
            try:
                sign = await self.namespace.await_change(stream.place, stream.path, known, _WATCH)
                if sign is None:
                    await self._gone(stream, state)
                elif sign != known:
                    known = await self._copy(stream, state)
                    continue
                known = sign
            except NodeError as error:
                _log.error("a proof of money is not copied", app=stream.app, volume=stream.volume, why=error.message)
                state.problem = error.message
                await asyncio.sleep(_AGAIN)
            except Exception as error:  # it is a mistake of ours, and the next change must be copied nevertheless
                _log.exception("a proof of money is not copied", app=stream.app, volume=stream.volume)
                state.problem = str(error)
                await asyncio.sleep(_AGAIN)

    async def _gone(self, stream: Stream, state: StreamState) -> None:
        copies = await asyncio.to_thread(copies_in, self.layout.app(stream.app).streams / stream.volume)
        state.newest = copies[-1] if copies else None
        state.problem = msg("the file was there, and is gone") if copies else ""

    async def _copy(self, stream: Stream, state: StreamState) -> FileSign | None:
        """Copy a file that has changed; return its sign, None where it changed again meanwhile."""
        found = await self.namespace.read(stream.place, stream.path, LARGEST)
        if found is None:
            return None
        content, sign = found
        before = state.newest
        folder = self.layout.app(stream.app).streams / stream.volume
        state.newest = await asyncio.to_thread(store_copy, folder, content)
        state.at = datetime.now(UTC)
        state.problem = _problem(stream.app, content, state.newest)
        if state.newest != before:
            self.notes.wake(stream.app)
        return sign


def _problem(app: str, content: bytes, newest: StreamCopy | None) -> str:
    """Return why the newest copy is not what the file holds now; nothing where it is. Pure."""
    if not content:
        return msg("the file is empty")
    if newest is not None and newest.digest != hashlib.sha256(content).hexdigest():
        return msg("the file is older than the newest copy, which is in apps/{app}/streams", app=app)
    return ""
