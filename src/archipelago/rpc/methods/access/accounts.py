"""Methods about accounts, sessions and tokens, and about notices to their owners."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.rpc.access import Caller
from archipelago.rpc.method import Family, Params
from archipelago.rpc.methods.access.login import Account, Password, own_or_all
from archipelago.rpc.params import Label
from archipelago.security.login.login import Login
from archipelago.security.login.views import AccountNotice, NewToken, SessionView, TokenView, UserView
from archipelago.storage.records.permissions import Permission, Role

family = Family()

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

    name: Label
    """What it is for."""
    permissions: Annotated[tuple[Permission, ...], Field(min_length=1)]
    """What it may do."""
    days: Annotated[int, Field(strict=True, ge=1, le=3650)] = 365
    """How long."""


class AccountNoticeParams(Params):
    """A notice."""

    id: Annotated[int, Field(strict=True, ge=1, lt=2**63)]
    """As the list shows it."""


@family.method(
    "session-list", "List the sessions of the caller's account; for the owner, all", permission=Permission.ACCOUNT
)
async def _sessions(login: Login, caller: Caller) -> tuple[SessionView, ...]:
    return login.sessions(own_or_all(caller), caller.session)


@family.method(
    "session-revoke",
    "End a session at once, its WebSockets too",
    permission=Permission.ACCOUNT,
    mutates=True,
    confirms=False,
)
async def _revoke_session(login: Login, params: IdentityParams, caller: Caller) -> None:
    await login.revoke_session(own_or_all(caller), params.id)


@family.method("user-list", "List the accounts", permission=Permission.ADMINISTER)
async def _users(login: Login) -> tuple[UserView, ...]:
    return login.accounts.list()


@family.method(
    "user-add",
    "Make an account: owner, operator or viewer",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _add_user(login: Login, params: UserParams, caller: Caller) -> None:
    password = params.password.get_secret_value()
    await login.accounts.add(params.user, params.role, password, caller.source)


@family.method(
    "user-remove",
    "Remove an account, and end its sessions",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _remove_user(login: Login, params: UserNameParams, caller: Caller) -> None:
    await login.accounts.remove(params.user, caller.source)


@family.method("token-list", "List the tokens of programs", permission=Permission.ADMINISTER)
async def _tokens(login: Login) -> tuple[TokenView, ...]:
    return login.tokens.list()


@family.method(
    "token-create",
    "Make a token for a program, to be sent as 'Authorization: Bearer'; it is shown this once",
    permission=Permission.ADMINISTER,
    mutates=True,
    confirms=True,
    tells=True,
)
async def _make_token(login: Login, params: TokenParams, caller: Caller) -> NewToken:
    return await login.tokens.make(params.name, frozenset(params.permissions), params.days, caller.source)


@family.method(
    "token-revoke", "Forget a token", permission=Permission.ADMINISTER, mutates=True, confirms=False, tells=True
)
async def _revoke_token(login: Login, params: IdentityParams, caller: Caller) -> None:
    await login.tokens.revoke(params.id, caller.source)


@family.method(
    "notice-list",
    "List what the caller is to know: who changed how his account is logged in to, the newest first",
    permission=Permission.ACCOUNT,
)
async def _notices(login: Login, caller: Caller) -> tuple[AccountNotice, ...]:
    return login.notices.list(caller.name)


@family.method("notice-dismiss", "Take a notice away", permission=Permission.ACCOUNT, mutates=True, confirms=False)
async def _dismiss(login: Login, params: AccountNoticeParams, caller: Caller) -> None:
    await login.notices.dismiss(caller.name, params.id)
