"""Methods about passkeys. The shapes that browsers make and take are those of WebAuthn's JSON (Level 3)."""

from typing import Annotated, Any

from pydantic import Field

from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.access.login import Credential, entered, own_or_all
from archipelago.rpc.params import Label
from archipelago.security.login.login import Login
from archipelago.security.login.views import Entered, PasskeyView
from archipelago.storage.records.permissions import Permission

family = Family()


class PasskeyConfirmParams(Params):
    """A passkey that a browser made."""

    name: Label
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


def _whose(login: Login, params: PasskeyParams, caller: Caller) -> str | None:
    found = login.passkeys.list(own_or_all(caller))
    return next((one.user for one in found if one.id == params.id), None)


@family.method(
    "passkey-begin",
    "Return what a browser needs to make a passkey for the caller's account, for the name it called",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
)
async def _begin(login: Login, caller: Caller) -> dict[str, Any]:
    return login.passkeys.begin(caller.name, caller.site, caller.source)


@family.method(
    "passkey-confirm",
    "Keep the passkey that a browser made",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _confirm(login: Login, params: PasskeyConfirmParams, caller: Caller) -> PasskeyView:
    passkeys = login.passkeys
    return await passkeys.confirm(caller.name, params.name, params.credential, caller.site, caller.source)


@family.method(
    "passkey-list", "List the passkeys of the caller's account; for the owner, all", permission=Permission.ACCOUNT
)
async def _list(login: Login, caller: Caller) -> tuple[PasskeyView, ...]:
    return login.passkeys.list(own_or_all(caller))


@family.method(
    "passkey-remove",
    "Forget a passkey",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
    tells=True,
    concerns=_whose,
)
async def _remove(login: Login, params: PasskeyParams, caller: Caller) -> None:
    await login.passkeys.remove(own_or_all(caller), params.id, caller.source)


@family.method("passkey-challenge", "Return what a browser needs to log in by a passkey", permission=Permission.LOGIN)
async def _challenge(login: Login, caller: Caller) -> dict[str, Any]:
    return login.passkeys.challenge(caller.site)


@family.method(
    "passkey-login",
    "Log in by a passkey, without password and second factor: the answer is that of login",
    permission=Permission.LOGIN,
    mutates=True,
)
async def _login(login: Login, params: CheckParams, caller: Caller) -> Entered:
    return entered(login, await login.log_in_by_passkey(params.credential, caller.site, caller.source))
