"""Methods about accounts, sessions and tokens, and about what their owners are told."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.api.services import Engine
from archipelago.rpc.access import Caller
from archipelago.rpc.method import AnyMethod, Method, NoParams, Params
from archipelago.rpc.methods.access.login import Account, Password, own_or_all
from archipelago.security.login.views import AccountNotice, NewToken, SessionView, TokenView, UserView
from archipelago.storage.records.permissions import Permission, Role

Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


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


class AccountNoticeParams(Params):
    """A notice."""

    id: Annotated[int, Field(strict=True, ge=1, lt=2**63)]
    """As the list shows it."""


async def _sessions(engine: Engine, _: NoParams, caller: Caller) -> tuple[SessionView, ...]:
    return engine.login.sessions(own_or_all(caller), caller.session)


async def _revoke_session(engine: Engine, params: IdentityParams, caller: Caller) -> None:
    await engine.login.revoke_session(own_or_all(caller), params.id)


async def _users(engine: Engine, _: NoParams) -> tuple[UserView, ...]:
    return engine.login.accounts.list()


async def _add_user(engine: Engine, params: UserParams, caller: Caller) -> None:
    password = params.password.get_secret_value()
    await engine.login.accounts.add(params.user, params.role, password, caller.source)


async def _remove_user(engine: Engine, params: UserNameParams, caller: Caller) -> None:
    await engine.login.accounts.remove(params.user, caller.source)


async def _tokens(engine: Engine, _: NoParams) -> tuple[TokenView, ...]:
    return engine.login.tokens.list()


async def _make_token(engine: Engine, params: TokenParams, caller: Caller) -> NewToken:
    return await engine.login.tokens.make(params.name, frozenset(params.permissions), params.days, caller.source)


async def _revoke_token(engine: Engine, params: IdentityParams, caller: Caller) -> None:
    await engine.login.tokens.revoke(params.id, caller.source)


async def _notices(engine: Engine, _: NoParams, caller: Caller) -> tuple[AccountNotice, ...]:
    return engine.login.notices.list(caller.name)


async def _dismiss(engine: Engine, params: AccountNoticeParams, caller: Caller) -> None:
    await engine.login.notices.dismiss(caller.name, params.id)


def account_methods() -> tuple[AnyMethod, ...]:
    """Return the methods of this family."""
    return (
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
            confirms=False,
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
            personal=True,
            confirms=True,
            tells=True,
            handler=_add_user,
        ),
        Method(
            name="user-remove",
            summary="Remove an account, and end its sessions",
            params=UserNameParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            personal=True,
            confirms=True,
            tells=True,
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
            personal=True,
            confirms=True,
            tells=True,
            handler=_make_token,
        ),
        Method(
            name="token-revoke",
            summary="Forget a token",
            params=IdentityParams,
            result=None,
            permission=Permission.ADMINISTER,
            mutates=True,
            personal=True,
            confirms=False,
            tells=True,
            handler=_revoke_token,
        ),
        Method(
            name="notice-list",
            summary="List what the caller is to know: who changed how his account is logged in to, the newest first",
            params=NoParams,
            result=tuple[AccountNotice, ...],
            permission=Permission.ACCOUNT,
            personal=True,
            handler=_notices,
        ),
        Method(
            name="notice-dismiss",
            summary="Take a notice away",
            params=AccountNoticeParams,
            result=None,
            permission=Permission.ACCOUNT,
            personal=True,
            mutates=True,
            confirms=False,
            handler=_dismiss,
        ),
    )
