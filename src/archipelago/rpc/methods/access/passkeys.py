"""Methods about passkeys. The shapes that browsers make and take are those of WebAuthn's JSON (Level 3)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from archipelago.api.services import Engine
from archipelago.rpc.access import Caller
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.rpc.methods.access.login import Credential, entered, own_or_all
from archipelago.security.login.views import Entered, PasskeyView
from archipelago.storage.records.permissions import Permission


class PasskeyConfirmParams(Params):
    """A passkey that a browser made."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    """By which its owner knows it."""
    credential: Credential
    """`RegistrationResponseJSON`."""


class CheckParams(Params):
    """A passkey's answer to a challenge."""

    credential: Credential
    """`AuthenticationResponseJSON`."""


class PasskeyParams(Params):
    """A passkey."""

    id: Annotated[str, Field(max_length=64)]
    """As the list shows it."""


async def _begin(engine: Engine, _: NoParams, caller: Caller) -> dict[str, Any]:
    return engine.login.passkeys.begin(caller.name, caller.site, caller.source)


async def _confirm(engine: Engine, params: PasskeyConfirmParams, caller: Caller) -> PasskeyView:
    passkeys = engine.login.passkeys
    return await passkeys.confirm(caller.name, params.name, params.credential, caller.site, caller.source)


async def _list(engine: Engine, _: NoParams, caller: Caller) -> tuple[PasskeyView, ...]:
    return engine.login.passkeys.list(own_or_all(caller))


async def _remove(engine: Engine, params: PasskeyParams, caller: Caller) -> None:
    await engine.login.passkeys.remove(own_or_all(caller), params.id, caller.source)


def _whose(engine: Engine, params: PasskeyParams, caller: Caller) -> str | None:
    found = engine.login.passkeys.list(own_or_all(caller))
    return next((one.user for one in found if one.id == params.id), None)


async def _challenge(engine: Engine, _: NoParams, caller: Caller) -> dict[str, Any]:
    return engine.login.passkeys.challenge(caller.site)


async def _login(engine: Engine, params: CheckParams, caller: Caller) -> Entered:
    return entered(engine, await engine.login.log_in_by_passkey(params.credential, caller.site, caller.source))


def passkey_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="passkey-begin",
            summary="Return what a browser needs to make a passkey for the caller's account, for the name it called",
            params=NoParams,
            result=dict[str, Any],
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            handler=_begin,
        ),
        Method(
            name="passkey-confirm",
            summary="Keep the passkey that a browser made",
            params=PasskeyConfirmParams,
            result=PasskeyView,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_confirm,
        ),
        Method(
            name="passkey-list",
            summary="List the passkeys of the caller's account; for the owner, all",
            params=NoParams,
            result=tuple[PasskeyView, ...],
            permission=Permission.ACCOUNT,
            personal=True,
            handler=_list,
        ),
        Method(
            name="passkey-remove",
            summary="Forget a passkey",
            params=PasskeyParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            tells=True,
            concerns=_whose,
            handler=_remove,
        ),
        Method(
            name="passkey-challenge",
            summary="Return what a browser needs to log in by a passkey",
            params=NoParams,
            result=dict[str, Any],
            permission=Permission.LOGIN,
            personal=True,
            handler=_challenge,
        ),
        Method(
            name="passkey-login",
            summary="Log in by a passkey, without password and second factor: the answer is that of login",
            params=CheckParams,
            result=Entered,
            permission=Permission.LOGIN,
            personal=True,
            mutates=True,
            handler=_login,
        ),
    )
