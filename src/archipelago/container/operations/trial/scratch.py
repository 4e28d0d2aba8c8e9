"""The scratch copy of an app on the disk: clones of its volumes, its secrets, and the app compiled for that place."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from archipelago.container.data.data_classes import NeverRestoreVolume, app_volumes
from archipelago.container.data.keeper import volume_directories
from archipelago.container.data.snapshots.copies import VolumeCopies
from archipelago.container.data.snapshots.files import children
from archipelago.container.data.snapshots.methods import CopyMethod
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.installed_apps import Records
from archipelago.container.desired.state import DesiredApp
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.owned_paths import PassageRequest
from archipelago.container.operations.way_back import require_read
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import AppFolder, Layout, SnapshotFolder, app_files
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.support.private_files import reported, write_atomically
from archipelago.support.texts.text import joined, msg

ComposerAt = Callable[[str], Composer]
"""Returns what compiles the scratch copy of an app: in `AppFolder.trial`, with the secrets that are there. Blocking."""


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """An app as it was, that is to come up in a scratch copy."""

    record: AppRecord
    source: SnapshotFolder
    consume: bool = False
    """Whether the volumes of the source may be renamed instead of copied."""
    only: str = ""
    """The one container that starts, without those that it waits for and the providers; all where none is named."""
    keep: bool = False
    """Whether the volumes go back to the source at the end, as the copy has left them."""


@dataclass(frozen=True, slots=True)
class ScratchApp:
    """An app that is ready to be started in its scratch copy."""

    app: DesiredApp
    providers: tuple[str, ...]
    """Apps that it cannot do without, and that are not there."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Makes scratch copies and removes them. Raises `NodeError`."""

    layout: Layout
    namespace: Namespace
    composer_at: ComposerAt

    async def make(self, order: TrialOrder, installed: Records) -> ScratchApp:
        """Make the scratch copy of an app, where there is none; `installed` are the apps of the node."""
        app, folder = order.record.app, self.layout.app(order.record.app)
        place = AppFolder(folder.trial / app)
        await asyncio.to_thread(_copy_secrets, order.source, place)
        records = with_providers(replace(order.record, desired=Desired.RUNNING), installed)
        composer = await asyncio.to_thread(self.composer_at, app)
        state = await composer.compose(records, frozenset(records) - {app})
        found = state.apps[app]
        if found.problem or not found.workload.containers:
            raise NodeError(ErrorCode.INVALID_MANIFEST, found.problem or msg("{app} has no containers", app=app))
        base = found.workload.passages[0].gid
        passages = [PassageRequest(each.path, each.gid) for each in found.workload.passages]
        await self.namespace.make((PassageRequest(str(folder.trial), base), *passages))
        copies = VolumeCopies(self.namespace)
        for volume in _copied(order.record):
            source, target = order.source.volume(volume), place.volume(volume)
            if not await asyncio.to_thread(source.is_dir):
                continue  # the app makes it again
            if order.consume:
                await self.namespace.rename(str(source), str(target))
            else:
                await copies.copy_by(folder, str(source), str(target), tuple(CopyMethod))
        await self.namespace.make(tuple(volume_directories(found.workload)))
        if order.only:
            return ScratchApp(_alone(found, order.only), ())
        return ScratchApp(found, tuple(dict.fromkeys(e.provider for e in state.providers(app) if not e.optional)))

    async def give_back(self, order: TrialOrder) -> None:
        """Rename the volumes of a scratch copy, of which nothing runs any more, to their places in the source."""
        app = order.record.app
        place = AppFolder(self.layout.app(app).trial / app)
        for volume in _copied(order.record):
            if await asyncio.to_thread(place.volume(volume).is_dir):
                await self.namespace.rename(str(place.volume(volume)), str(order.source.volume(volume)))

    async def remove(self, app: str) -> None:
        """Remove the scratch copy of an app, where there is one."""
        folder = self.layout.app(app).trial
        await self.namespace.remove(app_files(str(self.layout.trial_files), app))
        for volume in await asyncio.to_thread(children, AppFolder(folder / app).volumes):
            await self.namespace.remove(str(AppFolder(folder / app).volume(volume)))  # at once, where it is a subvolume
        await self.namespace.remove(str(folder))


def _copied(record: AppRecord) -> tuple[str, ...]:
    """Return the volumes of which there may be a second copy."""
    volumes = app_volumes(record)
    return tuple(each.name for each in volumes if not isinstance(each, NeverRestoreVolume))


def _alone(app: DesiredApp, container: str) -> DesiredApp:
    wanted = (replace(each, after=()) for each in app.workload.containers if each.container == container)
    return replace(app, workload=replace(app.workload, containers=tuple(wanted)))


def refuse_untriable(record: AppRecord, now: AppRecord | None) -> None:
    """Raise `NodeError` where an app must not run from a copy, or cannot be read. Pure.

    Channel state is in no snapshot, and no second copy of it is ever made.
    """
    for each in (record, now):
        if each is None:
            continue
        require_read(each)
        if never := [v.name for v in app_volumes(each) if isinstance(v, NeverRestoreVolume)]:
            raise NodeError(
                ErrorCode.FORBIDDEN,
                msg(
                    "{app} does not run from a copy: {volumes} is never copied, since an older state of it loses money",
                    app=each.app,
                    volumes=joined(never, ", "),
                ),
                hint=msg("look into its snapshots as files: 'archipelago snapshot look {app}'", app=each.app),
            )


def with_providers(record: AppRecord, installed: Records) -> Mapping[str, AppRecord]:
    """Return an app with all installed ones that it may need, directly or not: it is compiled with them. Pure."""
    found = {record.app: record}
    waiting = [record]
    while waiting:
        needed = set(waiting.pop().manifest.requires)
        for app, each in installed.items():
            if app not in found and not needed.isdisjoint(each.package.manifest.provides):
                found[app] = each
                waiting.append(each)
    return found


def _copy_secrets(source: SnapshotFolder, place: AppFolder) -> None:
    with reported(place.secrets):
        place.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in source.secrets.glob("*.age") if source.secrets.is_dir() else ():
            write_atomically(place.secrets / path.name, path.read_bytes())
