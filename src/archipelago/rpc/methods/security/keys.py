"""Methods about the node's key."""

from typing import Annotated

from pydantic import Field, SecretStr

from archipelago.api.security import KeyStatus
from archipelago.api.services.security import KeyService, KeyUnlockService
from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import secret_text
from archipelago.storage.records.permissions import Permission

family = Family()
Passphrase = Annotated[SecretStr, Field(max_length=1024)]


class UnlockParams(Params):
    """What unlocks the node."""

    passphrase: Passphrase


class ProtectParams(Params):
    """A new passphrase for the node's key."""

    passphrase: Passphrase
    """At least 12 characters."""
    current: Passphrase | None = None
    """The one until now, where there is one."""


class CurrentParams(Params):
    """What shows that it is the owner."""

    current: Passphrase | None = None
    """The passphrase, where the key has one."""


class RestoreParams(Params):
    """The recovery phrase."""

    words: Annotated[SecretStr, Field(max_length=1000)]
    """24 words (BIP 39), with spaces between them."""


@family.method(
    "key-status", "Return how the node's key is kept, and whether the node is locked", permission=Permission.ADMINISTER
)
async def _status(keys: KeyUnlockService) -> KeyStatus:
    return KeyStatus(state=await keys.state())


@family.method(
    "key-unlock",
    "Unlock the node after a start; on a locked node the passphrase alone says who may",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=False,
)
async def _unlock(keys: KeyUnlockService, params: UnlockParams, caller: Caller) -> None:
    await keys.unlock(params.passphrase.get_secret_value(), caller.source)


@family.method(
    "key-protect",
    "Wrap the node's key by a passphrase: after each start the node must be unlocked",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _protect(keys: KeyService, params: ProtectParams) -> None:
    await keys.protect(params.passphrase.get_secret_value(), secret_text(params.current))


@family.method(
    "key-unprotect",
    "Keep the node's key in a file, so that the node boots by itself",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _unprotect(keys: KeyService, params: CurrentParams) -> None:
    await keys.unprotect(secret_text(params.current) or "")


@family.method(
    "key-phrase",
    "Return the 24 words (BIP 39) that bring the node's key back",
    permission=Permission.ADMINISTER,
    recorded=True,
    confirms=True,
    tells=True,
)
async def _phrase(keys: KeyService, params: CurrentParams) -> str:
    return await keys.phrase(secret_text(params.current))


@family.method(
    "key-restore",
    "Bring the node's key back from its 24 words, where it is missing",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _restore(keys: KeyUnlockService, params: RestoreParams) -> None:
    await keys.restore(params.words.get_secret_value())
