"""Methods about who may log in. Handlers know who calls."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from archipelago.api.services.node import SystemService
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.rpc.params import secret_text
from archipelago.security.login.credentials.confirmations import SECONDS
from archipelago.security.login.login import Login, Start
from archipelago.security.login.views import (
    Confirmation,
    Entered,
    LoginStatus,
    NewSecondFactor,
    RecoveryCodes,
)
from archipelago.storage.records.permissions import Permission, Role
from archipelago.support.texts.text import msg

family = Family()

Account = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Password = Annotated[SecretStr, Field(max_length=1024)]
Code = Annotated[SecretStr, Field(max_length=100)]
_LARGEST_CREDENTIAL = 16384


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > _LARGEST_CREDENTIAL:
        raise ValueError(f"it has at most {_LARGEST_CREDENTIAL} characters")
    return value


Credential = Annotated[dict[str, Any], AfterValidator(_bounded)]


class SetUpParams(Params):
    """The owner's first password."""

    code: Code | None = None
    """The code that the console shows; the node's own socket needs none."""
    password: Password
    """10 to 1024 characters."""


class LoginParams(Params):
    """Who logs in."""

    user: Account = "owner"
    password: Password
    code: Code | None = None
    """Of the second factor, or a recovery code."""


class PasswordParams(Params):
    """A new password."""

    user: Account | None = None
    """Whose; the caller's own when left out."""
    password: Password
    """10 to 1024 characters."""
    passkeys: Literal["keep", "remove"] = "keep"
    """Whether the account's passkeys go too, and what is known of the devices that it logged in from."""


class AccountParams(Params):
    """Whose login it is about."""

    user: Account | None = None
    """The caller's own when left out."""


class SecondFactorParams(AccountParams):
    """The first code of a second factor."""

    code: Code
    """What the authenticator shows."""


class ConfirmationParams(Params):
    """What shows that whoever is logged in is still he: one of both."""

    password: Password | None = None
    """Of the account that is logged in."""
    credential: Credential | None = None
    """A passkey's answer to `passkey-challenge` (`AuthenticationResponseJSON`)."""


def entered(login: Login, start: Start) -> Entered:
    """Return what whoever has just logged in receives."""
    status = login.status(login.by_session(start.session))
    return Entered(session=start.session, device=start.device, confirmation=start.confirmation, **dict(status))


def _whose(user: str | None, caller: Caller) -> str:
    found = user or caller.name
    if found != caller.name and Permission.ADMINISTER not in caller.permissions:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg("you may not change the account {found}", found=found),
            hint=msg("ask the owner of the node"),
        )
    return found


def own_or_all(caller: Caller) -> str | None:
    """Return whose things a caller may look after: None for everybody's."""
    return None if Permission.ADMINISTER in caller.permissions else caller.name


@family.method(
    "login-status",
    "Return who the caller is, and whether the node has an owner's password yet",
    permission=Permission.LOGIN,
)
async def _status(login: Login, caller: Caller) -> LoginStatus:
    return login.status(caller.visitor)


@family.method(
    "login-setup",
    "Set the owner's first password, given the code that the console shows, and log in",
    permission=Permission.LOGIN,
    mutates=True,
)
async def _set_up(login: Login, params: SetUpParams, caller: Caller) -> Entered:
    if params.code is None and not caller.trusted:
        raise NodeError(
            ErrorCode.WRONG_CREDENTIALS, msg("the set-up code is missing"), hint=msg("the node's console shows it")
        )
    password = params.password.get_secret_value()
    if caller.trusted:
        await login.accounts.set_up(None, password)
        status = login.status(caller.visitor)
        return Entered(session=None, device=None, confirmation=None, **dict(status))
    return entered(login, await login.set_up(secret_text(params.code) or "", password, caller.source))


@family.method(
    "login",
    "Log in: the answer holds the secret of a session, to be sent as 'Authorization: Bearer'",
    permission=Permission.LOGIN,
    mutates=True,
)
async def _login(login: Login, params: LoginParams, caller: Caller) -> Entered:
    password, code = params.password.get_secret_value(), secret_text(params.code)
    return entered(login, await login.log_in(params.user, password, code, caller.source))


@family.method(
    "login-confirm",
    "Show once more that it is you who is logged in, as a change of how one logs in requires",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=False,
)
async def _confirm(login: Login, params: ConfirmationParams, caller: Caller) -> Confirmation:
    if params.credential is not None and params.password is None:
        given = await login.passkeys.reassure(caller.name, params.credential, caller.site, caller.source)
    else:
        given = await login.accounts.confirm(caller.name, secret_text(params.password) or "", caller.source)
    return Confirmation(confirmation=given, seconds=SECONDS)


@family.method("logout", "End the caller's session", permission=Permission.ACCOUNT, mutates=True, confirms=False)
async def _logout(login: Login, caller: Caller) -> None:
    if caller.session:
        await login.log_out(caller.session)


@family.method(
    "password-set",
    "Change a password; all sessions of the account end",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _password(login: Login, params: PasswordParams, caller: Caller) -> None:
    user, new = _whose(params.user, caller), params.password.get_secret_value()
    if caller.trusted and user == Role.OWNER and not login.status(None).set_up:
        await login.accounts.set_up(None, new)
        return
    everywhere = params.passkeys == "remove"
    await login.accounts.set_password(user, new, caller.source, everywhere=everywhere)


@family.method(
    "totp-begin",
    "Propose a second factor (TOTP), which counts once totp-confirm has had a code of it",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
)
async def _totp_begin(login: Login, system: SystemService, params: AccountParams, caller: Caller) -> NewSecondFactor:
    node = (await system.info()).node_id[:6]
    return login.factors.begin(_whose(params.user, caller), node, caller.source)


@family.method(
    "totp-confirm",
    "Take the proposed second factor, and return recovery codes",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _totp_confirm(login: Login, params: SecondFactorParams, caller: Caller) -> RecoveryCodes:
    user = _whose(params.user, caller)
    return await login.factors.confirm(user, params.code.get_secret_value(), caller.source)


@family.method(
    "totp-disable",
    "Go back to the password alone",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _totp_disable(login: Login, params: AccountParams, caller: Caller) -> None:
    await login.factors.drop(_whose(params.user, caller), caller.source)
