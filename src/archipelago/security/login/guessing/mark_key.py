"""The key that signs device marks: kept in the database, sealed by the node's key."""

import asyncio
import base64
import secrets

from archipelago.errors import NodeError
from archipelago.security.login.sessions.ledger import Ledger
from archipelago.security.secrets.manager import Sealer

_FACT = "device-mark-key"
_BYTES = 32


async def mark_key(ledger: Ledger, sealer: Sealer) -> bytes:
    """Return the key, made the first time; a new one where the old one cannot be read any more: marks open nothing."""
    kept = await ledger.change(lambda book: book.fact(_FACT))
    if kept is not None:
        try:
            return base64.b64decode(await asyncio.to_thread(sealer.unseal, base64.b64decode(kept)))
        except (NodeError, ValueError):
            pass
    made = secrets.token_bytes(_BYTES)
    sealed = await asyncio.to_thread(sealer.seal, base64.b64encode(made).decode())
    await ledger.change(lambda book: book.set_fact(_FACT, base64.b64encode(sealed).decode()))
    return made
