"""How each account likes the page."""

from collections.abc import Mapping

from archipelago.api.preferences import Preferences
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.preferences import PreferenceRecord
from archipelago.storage.stores.preferences import PreferenceStore
from archipelago.support.texts.text import msg


class AccountPreferences:
    """Remembers what accounts have chosen."""

    def __init__(self, store: PreferenceStore) -> None:
        self._store = store

    async def of(self, user: str) -> Preferences:
        """Return what an account has chosen."""
        return _view(await self._store.of(user))

    async def change(self, user: str, changes: Mapping[str, tuple[str, ...]]) -> Preferences:
        """Change these fields; return all. Raises `NodeError` where the account was removed."""
        changed = await self._store.change(user, changes)
        if changed is None:
            raise NodeError(ErrorCode.LOGIN_NEEDED, msg("the session has ended"), hint=msg("log in again"))
        return _view(changed)


def _view(record: PreferenceRecord) -> Preferences:
    return Preferences(**record.model_dump())
