"""The data of apps on disk: where it lies, and how it goes."""

import asyncio
from pathlib import Path

from archipelago.container.namespace import Namespace
from archipelago.security.secrets_manager import SecretsManager
from archipelago.storage.state import State


class AppData:
    """Deletes what an app leaves behind: volumes, secrets, and its range of user ids."""

    def __init__(self, data_root: Path, namespace: Namespace, secrets: SecretsManager, state: State) -> None:
        self._data_root = data_root
        self._namespace = namespace
        self._secrets = secrets
        self._state = state

    async def delete(self, app: str) -> None:
        """Delete everything of an app that is no longer installed. It may be called again after a crash."""
        await self._namespace.remove(str(self._data_root / app))
        await asyncio.to_thread(self._secrets.remove_app, app)
        # Last: as long as a file is left, nobody else may be given its owner's id.
        await self._state.release_slot(app)
