"""The node's key for callers on the event loop: its hashes take a thread."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from archipelago.security.keys.node_key import KeyState, NodeKey
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.secrets.manager import Sealer
from archipelago.support.private_files import write_atomically


@dataclass(frozen=True, slots=True)
class AsyncNodeKey:
    """The key of a node that runs. Raises `NodeError`, as `NodeKey` does."""

    key: NodeKey
    sealer: Sealer
    sealed: tuple[Path, ...]
    """What is kept under the key also on a node without secrets."""

    async def state(self) -> KeyState:
        """Return how the key is kept."""
        return await asyncio.to_thread(self.key.state)

    async def unlock(self, passphrase: str, source: Source) -> None:
        """Leave the key as it is: a node that runs has it."""

    async def restore(self, words: str) -> None:
        """Bring the key of another machine back from its words, where no secret is kept under that of this one."""

        def work() -> None:
            texts = {path: self.sealer.unseal(path.read_bytes()) for path in self.sealed if path.exists()}
            self.key.restore(words, replace_unused=True)
            for path, text in texts.items():
                write_atomically(path, self.sealer.seal(text))

        await asyncio.to_thread(work)

    async def protect(self, passphrase: str, current: str | None) -> None:
        """Wrap the key by a passphrase."""
        await asyncio.to_thread(self.key.protect, passphrase, current)

    async def unprotect(self, current: str) -> None:
        """Keep the key in a file."""
        await asyncio.to_thread(self.key.unprotect, current)

    async def phrase(self, current: str | None) -> str:
        """Return the words that bring the key back."""
        return await asyncio.to_thread(self.key.phrase, current)
