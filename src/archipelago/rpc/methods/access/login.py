"""Methods about who may log in. Handlers are told who calls."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from archipelago.api.services import Engine
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.security.login.credentials.confirmations import SECONDS
from archipelago.security.login.login import Start
from archipelago.security.login.views import (
    Confirmation,
    Entered,
    LoginStatus,
    NewSecondFactor,
    RecoveryCodes,
)
from archipelago.storage.records.permissions import Permission, Role

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


async def _status(engine: Engine, _: NoParams, caller: Caller) -> LoginStatus:
    return engine.login.status(caller.visitor)


async def _set_up(engine: Engine, params: SetUpParams, caller: Caller) -> Entered:
    if params.code is None and not caller.trusted:
        raise NodeError(ErrorCode.WRONG_CREDENTIALS, "the set-up code is missing", hint="the node's console shows it")
    password = params.password.get_secret_value()
    if caller.trusted:
        await engine.login.accounts.set_up(None, password)
        status = engine.login.status(caller.visitor)
        return Entered(session=None, device=None, confirmation=None, **dict(status))
    return entered(engine, await engine.login.set_up(_text(params.code) or "", password, caller.source))


async def _login(engine: Engine, params: LoginParams, caller: Caller) -> Entered:
    password, code = params.password.get_secret_value(), _text(params.code)
    return entered(engine, await engine.login.log_in(params.user, password, code, caller.source))


def entered(engine: Engine, start: Start) -> Entered:
    """Return what somebody is told who has just logged in."""
    status = engine.login.status(engine.login.by_session(start.session))
    return Entered(session=start.session, device=start.device, confirmation=start.confirmation, **dict(status))


async def _confirm(engine: Engine, params: ConfirmationParams, caller: Caller) -> Confirmation:
    login = engine.login
    if params.credential is not None and params.password is None:
        given = await login.passkeys.reassure(caller.name, params.credential, caller.site, caller.source)
    else:
        given = await login.accounts.confirm(caller.name, _text(params.password) or "", caller.source)
    return Confirmation(confirmation=given, seconds=SECONDS)


async def _logout(engine: Engine, _: NoParams, caller: Caller) -> None:
    if caller.session:
        await engine.login.log_out(caller.session)


async def _password(engine: Engine, params: PasswordParams, caller: Caller) -> None:
    user, new = _whose(params.user, caller), params.password.get_secret_value()
    if caller.trusted and user == Role.OWNER and not engine.login.status(None).set_up:
        await engine.login.accounts.set_up(None, new)
        return
    everywhere = params.passkeys == "remove"
    await engine.login.accounts.set_password(user, new, caller.source, everywhere=everywhere)


async def _totp_begin(engine: Engine, params: AccountParams, caller: Caller) -> NewSecondFactor:
    node = (await engine.system()).node_id[:6]
    return engine.login.factors.begin(_whose(params.user, caller), node, caller.source)


async def _totp_confirm(engine: Engine, params: SecondFactorParams, caller: Caller) -> RecoveryCodes:
    user = _whose(params.user, caller)
    return await engine.login.factors.confirm(user, params.code.get_secret_value(), caller.source)


async def _totp_disable(engine: Engine, params: AccountParams, caller: Caller) -> None:
    await engine.login.factors.drop(_whose(params.user, caller), caller.source)


def _whose(user: str | None, caller: Caller) -> str:
    found = user or caller.name
    if found != caller.name and Permission.ADMINISTER not in caller.permissions:
        raise NodeError(
            ErrorCode.FORBIDDEN, f"you may not change the account {found}", hint="ask the owner of the node"
        )
    return found


def own_or_all(caller: Caller) -> str | None:
    """Return whose things a caller may look after: None for everybody's."""
    return None if Permission.ADMINISTER in caller.permissions else caller.name


def _text(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def login_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
        Method(
            name="login-status",
            summary="Return who the caller is, and whether the node has an owner's password yet",
            params=NoParams,
            result=LoginStatus,
            permission=Permission.LOGIN,
            personal=True,
            handler=_status,
        ),
        Method(
            name="login-setup",
            summary="Set the owner's first password, given the code that the console shows, and log in",
            params=SetUpParams,
            result=Entered,
            permission=Permission.LOGIN,
            personal=True,
            mutates=True,
            handler=_set_up,
        ),
        Method(
            name="login",
            summary="Log in: the answer holds the secret of a session, to be sent as 'Authorization: Bearer'",
            params=LoginParams,
            result=Entered,
            permission=Permission.LOGIN,
            personal=True,
            mutates=True,
            handler=_login,
        ),
        Method(
            name="login-confirm",
            summary="Show once more that it is you who is logged in, as a change of how one logs in requires",
            params=ConfirmationParams,
            result=Confirmation,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=False,
            handler=_confirm,
        ),
        Method(
            name="logout",
            summary="End the caller's session",
            params=NoParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=False,
            handler=_logout,
        ),
        Method(
            name="password-set",
            summary="Change a password; all sessions of the account end",
            params=PasswordParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_password,
        ),
        Method(
            name="totp-begin",
            summary="Propose a second factor (TOTP), which counts once totp-confirm has had a code of it",
            params=AccountParams,
            result=NewSecondFactor,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            handler=_totp_begin,
        ),
        Method(
            name="totp-confirm",
            summary="Take the proposed second factor, and return recovery codes",
            params=SecondFactorParams,
            result=RecoveryCodes,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_totp_confirm,
        ),
        Method(
            name="totp-disable",
            summary="Go back to the password alone",
            params=AccountParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=True,
            tells=True,
            handler=_totp_disable,
        ),
    )
