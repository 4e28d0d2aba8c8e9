"""Methods about the node's key and the secrets of apps."""

from typing import Annotated, NoReturn

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from archipelago.api.operations import Operation
from archipelago.api.security import SecretView
from archipelago.api.services import Engine
from archipelago.container.manifest.model.scalars import AppId
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.security.keys.node_key import KeyState
from archipelago.storage.records.permissions import Permission

Passphrase = Annotated[SecretStr, Field(max_length=1024)]
SecretName = Annotated[str, Field(min_length=1, max_length=200)]


class KeyStatus(BaseModel):
    """How the node's key is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    state: KeyState


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


class SecretsParams(Params):
    """An app."""

    app: AppId


class SecretParams(SecretsParams):
    """A secret of an app."""

    name: SecretName


class SetParams(SecretParams):
    """A value for a secret of an app."""

    value: Annotated[SecretStr, Field(min_length=1, max_length=4096)]
    """One line; of a keypair a private key (Ed25519, PEM), as it is in its file."""


class RotateParams(SecretsParams):
    """Which secrets are replaced."""

    name: SecretName | None = None
    """One of them; all of them, the logins of its consumers too, when left out."""


async def _status(engine: Engine, _: NoParams) -> KeyStatus:
    return KeyStatus(state=await engine.key_state())


async def _unlock(engine: Engine, params: UnlockParams, caller: Caller) -> None:
    await engine.unlock(params.passphrase.get_secret_value(), caller.source)


async def _protect(engine: Engine, params: ProtectParams) -> None:
    await engine.protect_key(params.passphrase.get_secret_value(), _text(params.current))


async def _unprotect(engine: Engine, params: CurrentParams) -> None:
    await engine.unprotect_key(_text(params.current) or "")


async def _phrase(engine: Engine, params: CurrentParams) -> str:
    return await engine.key_phrase(_text(params.current))


async def _restore(engine: Engine, params: RestoreParams) -> None:
    await engine.restore_key(params.words.get_secret_value())


async def _list(engine: Engine, params: SecretsParams) -> tuple[SecretView, ...]:
    return await engine.secrets(params.app)


async def _show(engine: Engine, params: SecretParams) -> str:
    return await engine.reveal_secret(params.app, params.name)


async def _set(engine: Engine, params: SetParams) -> Operation:
    return await engine.set_secret(params.app, params.name, params.value.get_secret_value())


async def _rotate(engine: Engine, params: RotateParams) -> Operation:
    return await engine.rotate_secrets(params.app, params.name)


async def refuse_locked(*_: object) -> NoReturn:
    """Stand for every method that a locked node does not have."""
    raise NodeError(
        ErrorCode.LOCKED,
        "the node is locked: apps that run go on, and nothing can be changed",
        hint="unlock it on the node with 'archipelago key unlock', or restore its key with 'archipelago key restore'",
    )


def _text(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def key_methods() -> tuple[AnyMethod, ...]:
    """Return the methods about the node's key; a locked node has no others."""
    return (
        Method(
            name="key-status",
            summary="Return how the node's key is kept, and whether the node is locked",
            params=NoParams,
            result=KeyStatus,
            permission=Permission.ADMINISTER,
            handler=_status,
        ),
        Method(
            name="key-unlock",
            summary="Unlock the node after a start; on a locked node the passphrase alone says who may",
            params=UnlockParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            personal=True,
            confirms=False,
            handler=_unlock,
        ),
        Method(
            name="key-protect",
            summary="Wrap the node's key by a passphrase: after each start the node must be unlocked",
            params=ProtectParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_protect,
        ),
        Method(
            name="key-unprotect",
            summary="Keep the node's key in a file, so that the node boots by itself",
            params=CurrentParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_unprotect,
        ),
        Method(
            name="key-phrase",
            summary="Return the 24 words (BIP 39) that bring the node's key back",
            params=CurrentParams,
            result=str,
            permission=Permission.ADMINISTER,
            recorded=True,
            confirms=True,
            tells=True,
            handler=_phrase,
        ),
        Method(
            name="key-restore",
            summary="Bring the node's key back from its 24 words, where it is missing",
            params=RestoreParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_restore,
        ),
    )


def secret_methods() -> tuple[AnyMethod, ...]:
    """Return the methods about the secrets of apps."""
    return (
        Method(
            name="secret-list",
            summary="List the secrets of an app by name",
            params=SecretsParams,
            result=tuple[SecretView, ...],
            permission=Permission.MANAGE,
            handler=_list,
        ),
        Method(
            name="secret-show",
            summary="Return a secret of an app",
            params=SecretParams,
            result=str,
            permission=Permission.ADMINISTER,
            recorded=True,
            confirms=True,
            handler=_show,
        ),
        Method(
            name="secret-set",
            summary="Give a secret of an app a value of the owner's; what uses it restarts",
            params=SetParams,
            result=Operation,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=True,
            handler=_set,
        ),
        Method(
            name="secret-rotate",
            summary="Generate secrets of an app again; what uses them restarts",
            params=RotateParams,
            result=Operation,
            permission=Permission.ADMINISTER,
            mutates=True,
            confirms=False,
            handler=_rotate,
        ),
    )
