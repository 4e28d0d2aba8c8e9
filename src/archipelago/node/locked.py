"""A node that waits for its owner to unlock its key: it answers to that alone, and leaves the apps as they are."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService, KeyUnlockService
from archipelago.config import NodeConfig
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit.log import AuditLog
from archipelago.security.keys.locked import node_is_locked
from archipelago.security.keys.node_key import KeyState, NodeKey
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import host_clocks
from archipelago.storage.database import Database
from archipelago.storage.stores.accounts import AccountStore
from archipelago.support.broadcast import Signal
from archipelago.support.private_files import read_key_file, reported
from archipelago.support.texts.text import msg

_LONGEST_PASSPHRASE_FILE = 4096


class LockedNode:
    """Unlocks the key; its `services` are those that a locked node has, and refuse all else."""

    def __init__(self, key: NodeKey, config: NodeConfig) -> None:
        self._key = key
        self._audit = AuditLog(config.layout.audit_log, config.layout.identity_key, lambda: datetime.now(UTC))
        self._clocks = host_clocks()
        self._attempts = Attempts(self._clocks.steady)
        self._one_unknown = asyncio.Semaphore(1)
        self._changed = Signal()
        self._open = False
        # Whoever wants to log in must wait; on the node's own socket nobody logs in.
        login = Login(AccountStore(Database(config.database)), _NoKey(), self._clocks)
        self.services = Services(missing=node_is_locked)
        self.services.provide(Login, login)
        self.services.provide(AuditService, self._audit)
        self.services.provide(KeyUnlockService, self)

    async def start(self) -> None:
        """Open the audit log."""
        await self._audit.open()

    async def until_open(self, stopping: asyncio.Event) -> bool:
        """Return whether the key is there, once it is or the node is asked to stop."""
        told = asyncio.create_task(stopping.wait())
        there = asyncio.create_task(self._changed.until(lambda: self._open))
        await asyncio.wait({told, there}, return_when=asyncio.FIRST_COMPLETED)
        for task in (told, there):
            task.cancel()
        return self._open

    async def state(self) -> KeyState:
        """Return how the key is there."""
        return await asyncio.to_thread(self._key.state)

    async def unlock(self, passphrase: str, source: Source) -> None:
        """Unlock the key; who gives a wrong passphrase waits, but not the owner on his own socket."""
        with self._attempts.attempt(source, "") as attempt:
            # Unknown clients wait for each other: their hashes take one thread, and the memory of one.
            async with contextlib.nullcontext() if source.trusted else self._one_unknown:
                if self._open:
                    # The node goes on only once nobody is served here any more.
                    raise NodeError(ErrorCode.BUSY, msg("the node has just been unlocked"), hint=msg("log in"))
                await self._open_by(lambda: self._key.unlock(passphrase))
            attempt.failed = False

    async def restore(self, words: str) -> None:
        """Bring the key back from its words; only the owner on his own socket may."""
        await self._open_by(lambda: self._key.restore(words))

    async def _open_by(self, work: Callable[[], None]) -> None:
        await asyncio.to_thread(work)
        self._open = await self.state() is not KeyState.LOCKED
        self._changed.notify()


class _NoKey:
    def seal(self, text: str) -> bytes:
        raise node_is_locked()

    def unseal(self, sealed: bytes) -> str:
        raise node_is_locked()


def unlock_from_file(key: NodeKey, file: Path) -> None:
    """Unlock the key with the passphrase in a file of mode 0600. Blocking; raises `NodeError`."""
    with reported(file):
        text = read_key_file(file, _LONGEST_PASSPHRASE_FILE)
    key.unlock(_line(text, file))


def _line(content: bytes, file: Path) -> str:
    """Return the one line of a file, without its end. Raises `NodeError`."""
    with contextlib.suppress(UnicodeDecodeError):
        line = content.decode().removesuffix("\n").removesuffix("\r")
        if "\n" not in line:
            return line
    # Outside of `except`: the cause would quote the passphrase.
    raise NodeError(
        ErrorCode.INVALID_OPTION,
        msg("{file} is not one line of text in UTF-8", file=file),
        hint=msg("write the passphrase into it, and nothing else"),
    )
