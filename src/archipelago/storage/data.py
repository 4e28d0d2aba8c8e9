"""The data of apps on disk: where it lies, how large it is, and how it goes."""

import asyncio
import shutil

from archipelago.container.manifest.model import AppManifest
from archipelago.container.namespace import Namespace
from archipelago.container.status import VolumeView
from archipelago.security.secrets_manager import SecretsManager
from archipelago.storage.layout import Layout
from archipelago.storage.state import State

_COUNTING = 5.0
"""Longest time for counting what a volume holds, in seconds."""


class AppData:
    """Measures and deletes what an app leaves behind: logs, volumes, secrets, and its range of user ids."""

    def __init__(self, layout: Layout, namespace: Namespace, secrets: SecretsManager, state: State) -> None:
        self._layout = layout
        self._namespace = namespace
        self._secrets = secrets
        self._state = state

    async def volumes(self, manifest: AppManifest) -> tuple[VolumeView, ...]:
        """Return the volumes of an app with what they take on the disk."""

        async def one(name: str, funds: bool) -> VolumeView:
            size, counted = await self._namespace.size(str(self._layout.app(manifest.id).volume(name)), _COUNTING)
            return VolumeView(name=name, size=size, counted=counted, funds=funds)

        return tuple(await asyncio.gather(*(one(name, each.funds) for name, each in manifest.volumes.items())))

    async def forget_logs(self, app: str) -> None:
        """Delete what the containers of an app wrote, once there are none; what cannot be deleted stays."""
        await asyncio.to_thread(shutil.rmtree, self._layout.app(app).logs, ignore_errors=True)

    async def delete(self, app: str) -> None:
        """Delete everything of an app that is no longer installed. It may be called again after a crash."""
        folder = self._layout.app(app)
        await self._namespace.remove(str(folder.volumes))
        await asyncio.to_thread(self._secrets.remove_app, app)
        await self._namespace.remove(str(folder.path))
        # Last: as long as a file is left, nobody else may be given its owner's id.
        await self._state.release_slot(app)
