"""Methods about who may log in. Handlers are told who calls."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from archipelago.container.engine import Engine
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.security.login.views import (
    Entered,
    LoginStatus,
    NewSecondFactor,
    NewToken,
    RecoveryCodes,
    SessionView,
    TokenView,
    UserView,
)
from archipelago.security.permissions import Permission, Role

Account = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Password = Annotated[SecretStr, Field(max_length=1024)]
Code = Annotated[SecretStr, Field(max_length=100)]
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


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
    current: Password | None = None
    """The one until now; on the node's own socket, and for the owner who changes another's, it is not asked for."""
    password: Password
    """10 to 1024 characters."""


class AccountParams(Params):
    """Whose login it is about."""

    user: Account | None = None
    """The caller's own when left out."""


class ConfirmParams(AccountParams):
    """The first code of a second factor."""

    code: Code
    """What the authenticator shows."""


class DisableParams(AccountParams):
    """Whose second factor goes."""

    password: Password | None = None
    """Of the account; on the node's own socket it is not asked for."""


class UserParams(Params):
    """A new account."""

    user: Account
    role: Role
    password: Password
    """10 to 1024 characters."""


class UserNameParams(Params):
    """An account."""

    user: Account


class IdentityParams(Params):
    """A session or a token."""

    id: Identity
    """As the list shows it."""


class TokenParams(Params):
    """A new token."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
    """What it is for."""
    permissions: Annotated[tuple[Permission, ...], Field(min_length=1)]
    """What it may do."""
    days: Annotated[int, Field(strict=True, ge=1, le=3650)] = 365
    """How long."""


async def _status(engine: Engine, _: NoParams, caller: Caller) -> LoginStatus:
    return engine.login.status(caller.visitor)


async def _set_up(engine: Engine, params: SetUpParams, caller: Caller) -> Entered:
    if params.code is None and not caller.trusted:
        raise NodeError(ErrorCode.WRONG_CREDENTIALS, "the set-up code is missing", hint="the node's console shows it")
    code = None if caller.trusted else _text(params.code)
    await engine.login.set_up(code, params.password.get_secret_value(), caller.origin)
    if caller.trusted:
        return Entered(session=None, **dict(engine.login.status(caller.visitor)))
    return await _enter(engine, "owner", params.password, None, caller)


async def _login(engine: Engine, params: LoginParams, caller: Caller) -> Entered:
    return await _enter(engine, params.user, params.password, _text(params.code), caller)


async def _enter(engine: Engine, user: str, password: SecretStr, code: str | None, caller: Caller) -> Entered:
    secret = await engine.login.log_in(user, password.get_secret_value(), code, caller.origin, caller.agent)
    return await entered(engine, secret, caller)


async def entered(engine: Engine, secret: str, caller: Caller) -> Entered:
    """Return what somebody is told who has just logged in; the session that he had until now ends."""
    if caller.session:
        await engine.login.log_out(caller.session)
    return Entered(session=secret, **dict(engine.login.status(engine.login.by_session(secret))))


async def _logout(engine: Engine, _: NoParams, caller: Caller) -> None:
    if caller.session:
        await engine.login.log_out(caller.session)


async def _password(engine: Engine, params: PasswordParams, caller: Caller) -> None:
    user, new = _whose(params.user, caller), params.password.get_secret_value()
    if caller.trusted or user != caller.name:
        if caller.trusted and user == Role.OWNER and not engine.login.status(None).set_up:
            await engine.login.set_up(None, new, caller.origin)
            return
        await engine.login.set_password(user, new)
    else:
        await engine.login.change_password(user, _text(params.current) or "", new, caller.origin)


async def _totp_begin(engine: Engine, params: AccountParams, caller: Caller) -> NewSecondFactor:
    node = (await engine.system()).node_id[:6]
    return engine.login.begin_second_factor(_whose(params.user, caller), node)


async def _totp_confirm(engine: Engine, params: ConfirmParams, caller: Caller) -> RecoveryCodes:
    user = _whose(params.user, caller)
    return await engine.login.confirm_second_factor(user, params.code.get_secret_value(), caller.origin)


async def _totp_disable(engine: Engine, params: DisableParams, caller: Caller) -> None:
    user = _whose(params.user, caller)
    if not caller.trusted:
        await engine.login.require_password(caller.name, _text(params.password) or "", caller.origin)
    await engine.login.drop_second_factor(user)


async def _sessions(engine: Engine, _: NoParams, caller: Caller) -> tuple[SessionView, ...]:
    return engine.login.sessions(own_or_all(caller), caller.session)


async def _revoke_session(engine: Engine, params: IdentityParams, caller: Caller) -> None:
    await engine.login.revoke_session(own_or_all(caller), params.id)


async def _users(engine: Engine, _: NoParams) -> tuple[UserView, ...]:
    return engine.login.users()


async def _add_user(engine: Engine, params: UserParams) -> None:
    await engine.login.add_user(params.user, params.role, params.password.get_secret_value())


async def _remove_user(engine: Engine, params: UserNameParams) -> None:
    await engine.login.remove_user(params.user)


async def _tokens(engine: Engine, _: NoParams) -> tuple[TokenView, ...]:
    return engine.login.tokens()


async def _make_token(engine: Engine, params: TokenParams) -> NewToken:
    return await engine.login.make_token(params.name, frozenset(params.permissions), params.days)


async def _revoke_token(engine: Engine, params: IdentityParams) -> None:
    await engine.login.revoke_token(params.id)


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
            name="logout",
            summary="End the caller's session",
            params=NoParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
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
            handler=_totp_begin,
        ),
        Method(
            name="totp-confirm",
            summary="Take the proposed second factor, and return recovery codes",
            params=ConfirmParams,
            result=RecoveryCodes,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            handler=_totp_confirm,
        ),
        Method(
            name="totp-disable",
            summary="Go back to the password alone",
            params=DisableParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            handler=_totp_disable,
        ),
        Method(
            name="session-list",
            summary="List the sessions of the caller's account; for the owner, all",
            params=NoParams,
            result=tuple[SessionView, ...],
            permission=Permission.ACCOUNT,
            personal=True,
            handler=_sessions,
        ),
        Method(
            name="session-revoke",
            summary="End a session at once, its WebSockets too",
            params=IdentityParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            handler=_revoke_session,
        ),
        Method(
            name="user-list",
            summary="List the accounts",
            params=NoParams,
            result=tuple[UserView, ...],
            permission=Permission.ADMINISTER,
            handler=_users,
        ),
        Method(
            name="user-add",
            summary="Make an account: owner, operator or viewer",
            params=UserParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            handler=_add_user,
        ),
        Method(
            name="user-remove",
            summary="Remove an account, and end its sessions",
            params=UserNameParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            handler=_remove_user,
        ),
        Method(
            name="token-list",
            summary="List the tokens of programs",
            params=NoParams,
            result=tuple[TokenView, ...],
            permission=Permission.ADMINISTER,
            handler=_tokens,
        ),
        Method(
            name="token-create",
            summary="Make a token for a program, to be sent as 'Authorization: Bearer'; it is shown this once",
            params=TokenParams,
            result=NewToken,
            permission=Permission.ADMINISTER,
            mutates=True,
            handler=_make_token,
        ),
        Method(
            name="token-revoke",
            summary="Forget a token",
            params=IdentityParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            handler=_revoke_token,
        ),
    )
