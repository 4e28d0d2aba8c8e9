"""The data of apps on disk: where it lies, how large it is, and how it goes."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.data import VolumeView
from archipelago.container.data.data_classes import app_volumes, funds_volumes
from archipelago.container.data.identity import judge
from archipelago.container.data.kept import Keepsake, KeptStore
from archipelago.container.data.volume_view import volume_view
from archipelago.container.namespace.client import Namespace
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import KEPT, Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.volumes import StrictestClass
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from archipelago.support.private_files import reported
from archipelago.support.texts.text import msg


class AppData:
    """Measures and deletes what an app leaves behind: logs, volumes, secrets, and its range of user ids."""

    def __init__(
        self,
        layout: Layout,
        namespace: Namespace,
        secrets: SecretsManager,
        state: State,
        marks: VolumeMarks,
        kept: KeptStore,
        limits: OwnLimitStore,
    ) -> None:
        self._layout = layout
        self._namespace = namespace
        self._secrets = secrets
        self._state = state
        self._marks = marks
        self._kept = kept
        self._limits = limits

    async def volumes(self, record: AppRecord) -> tuple[VolumeView, ...]:
        """Return the volumes of an app with what they take on the disk."""
        folder = self._layout.app(record.app)
        views = (
            volume_view(self._namespace, folder.volume(each.name), funds=each.declared.funds, data=each.data)
            for each in app_volumes(record)
        )
        return tuple(await asyncio.gather(*views))

    async def forget_logs(self, app: str) -> None:
        """Delete what the containers of an app wrote, once there are none; what cannot be deleted stays."""
        await asyncio.to_thread(shutil.rmtree, self._layout.app(app).logs, ignore_errors=True)

    async def has_volumes(self, app: str) -> bool:
        """Return whether there is a volume of an app, installed or not."""

        def look() -> bool:
            try:
                return any(self._layout.app(app).volumes.iterdir())
            except FileNotFoundError:
                return False
            except OSError:
                return True  # what cannot be looked at is somebody's

        return await asyncio.to_thread(look)

    async def strictest(self, app: str) -> Mapping[str, StrictestClass]:
        """Return the strictest that versions of an app, installed or not, have said of its volumes, by name."""
        return await self._marks.strictest(app)

    async def refuse_unkeepable(self, record: AppRecord) -> None:
        """Raise `NodeError` where a volume with keys to money cannot be kept aside.

        It is a disk of its own, which cannot be renamed, or has one in it; or it is not there now, as its disk is not
        mounted.
        """
        known = await self._marks.of(record.app)
        for name in funds_volumes(record):
            path = self._layout.app(record.app).volume(name)
            found = await self._namespace.look(str(path), 1, 1, 1)
            if judge(known.get(name), found).lost:
                raise NodeError(
                    ErrorCode.DATA_MISSING,
                    msg(
                        "the volume '{name}' holds keys to money and is not there, so it cannot be kept: {path}",
                        name=name,
                        path=path,
                    ),
                    hint=msg(
                        "mount its disk or bring the folder back, or remove {app} without deleting "
                        "its data; to give the data up: archipelago data start-empty {app}",
                        app=record.app,
                    ),
                    data={"app": record.app, "volumes": [name]},
                )
            if found is not None and (found.mounted or await self._namespace.mounts(str(path))):
                raise NodeError(
                    ErrorCode.STILL_NEEDED,
                    msg(
                        "the volume '{name}' holds keys to money and is a disk of its own, which the "
                        "node does not delete",
                        name=name,
                    ),
                    hint=msg(
                        "remove {app} without deleting its data, or unmount {path} first", app=record.app, path=path
                    ),
                )

    async def delete(self, app: str, keepsake: Keepsake) -> None:
        """Delete everything of an app that is no longer installed but the keepsake. It may be called again.

        Whatever any version of the app called keys to money is kept as well.
        """
        folder = self._layout.app(app)
        funds = {name for name, each in (await self._marks.strictest(app)).items() if each.funds}
        await self._kept.keep_snapshots(app, funds)
        await self._kept.set_aside(app, keepsake.with_volumes(funds, datetime.now(UTC)))
        await self._namespace.remove(str(folder.volumes))
        await asyncio.to_thread(self._secrets.remove_app, app)
        await self._limits.forget(app)
        for name in await asyncio.to_thread(_others, folder.path):
            await self._namespace.remove(str(folder.path / name))
        await self.forget_if_nothing_is_left(app)

    async def forget_if_nothing_is_left(self, app: str) -> None:
        """Give up the user ids of an app that is not installed and of which nothing is kept."""
        folder = self._layout.app(app)
        if await asyncio.to_thread(_others, folder.path):
            return
        await self._marks.forget(app)
        if await asyncio.to_thread(self._kept.any, app):
            return
        await self._namespace.remove(str(folder.path))
        # Last: as long as a file is left, nobody else may be given its owner's id.
        await self._state.release_slot(app)


def _others(folder: Path) -> tuple[str, ...]:
    """Return what is in the folder of an app besides what is kept."""
    with reported(folder):
        try:
            return tuple(path.name for path in folder.iterdir() if path.name != KEPT)
        except FileNotFoundError:
            return ()
