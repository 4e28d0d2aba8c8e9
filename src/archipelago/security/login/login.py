"""Lets people and programs in: the one place that knows who is logged in."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from archipelago.container.signal import Signal
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.backoff import Backoff
from archipelago.security.login.codes import (
    code_hash,
    new_code,
    new_recovery_codes,
    new_totp_secret,
    same_code,
    totp_step,
    totp_uri,
)
from archipelago.security.login.passkeys import Passkeys
from archipelago.security.login.passwords import Passwords
from archipelago.security.login.records import SecondFactor, Session, Token, User
from archipelago.security.login.session_secrets import Hider, LiveSecrets, new_session_secret, session_key
from archipelago.security.login.views import (
    LoginStatus,
    NewSecondFactor,
    NewToken,
    PasskeyView,
    RecoveryCodes,
    SessionView,
    TokenView,
    UserView,
)
from archipelago.security.permissions import PERMISSIONS, TOKEN_PERMISSIONS, Permission, Role
from archipelago.security.secrets_manager import Sealer
from archipelago.storage.accounts import AccountStore

TOKEN_PREFIX = "arch_"  # noqa: S105 - how tokens begin
_SECRET_BYTES = 32
_SESSIONS_EACH = 20
_TOKENS = 100
_NOTE_USE_EVERY = 60.0
_SETUP_TRIES = 20
_LOOK_EVERY = 60.0
_ID = 16
"""Hexadecimal digits of a key that name a session or token."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts, in seconds."""

    idle: float = 24 * 3600.0
    absolute: float = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has shown who he is."""

    name: str
    permissions: frozenset[Permission]
    session: str = ""
    """Key of his session or token."""


class Login:
    """Accounts, sessions and tokens. `now` gives seconds since 1970. Every refusal is a `NodeError`.

    `port` is the one at which the node's page is served; `hider` learns every secret that shows who somebody is.
    """

    def __init__(
        self,
        store: AccountStore,
        sealer: Sealer,
        now: Callable[[], float],
        *,
        passwords: Passwords | None = None,
        lifetimes: Lifetimes = Lifetimes(),
        port: int = 0,
        hider: Hider | None = None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._now = now
        self._passwords = passwords or Passwords()
        self._lifetimes = lifetimes
        self._port = port
        self._live = LiveSecrets(hider)
        self._backoff = Backoff()
        self._users: dict[str, User] = {}
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[str, Token] = {}
        self._pending: dict[str, str] = {}
        """Account -> shared secret of a second factor that was not confirmed yet."""
        self._setup_code = new_code()
        self._setup_tries = 0
        self.passkeys = Passkeys(store, now)
        self.ended = Signal()
        """Told whenever a session may have ended."""

    async def open(self) -> None:
        """Read what is kept."""
        found = await self._store.load()
        self._users = {user.name: user for user in found.users}
        self._sessions = {session.key: session for session in found.sessions}
        self._tokens = {token.key: token for token in found.tokens}
        self.passkeys.take(found.passkeys)
        await self._forget_expired()

    # --- who is there -----------------------------------------------------------------------------------------------

    @property
    def setup_code(self) -> str | None:
        """What the console shows until the owner has set a password; a new one at each start."""
        return None if self._users else self._setup_code

    def by_session(self, secret: str) -> Visitor | None:
        """Return who a session's secret belongs to, or None."""
        session = self._sessions.get(session_key(secret, self._port))
        if session is None or not self.is_alive(session.key):
            return None
        self._live.note(session.key, secret)
        self._sessions[session.key] = replace(session, used_at=self._now())
        return Visitor(session.user, PERMISSIONS[self._users[session.user].role], session.key)

    def by_token(self, secret: str) -> Visitor | None:
        """Return what a token belongs to, or None."""
        token = self._tokens.get(_key(secret))
        if token is None or token.expires_at <= self._now():
            return None
        self._live.note(token.key, secret)
        self._tokens[token.key] = replace(token, used_at=self._now())
        return Visitor(f"token {token.name}", token.permissions, token.key)

    def is_alive(self, session: str) -> bool:
        """Tell whether a session goes on, or a token is good."""
        return self._now() < self._ends_at(session)

    async def until_ended(self, session: str) -> None:
        """Return when a session or token has ended: at once where somebody ended it."""
        while self.is_alive(session):
            left = self._ends_at(session) - self._now()
            try:
                async with asyncio.timeout(min(left, _LOOK_EVERY)):
                    await self.ended.until(lambda: not self.is_alive(session))
            except TimeoutError:
                pass

    async def note_use(self) -> None:
        """Write down when sessions and tokens were last used, and forget those that have ended."""
        await self._forget_expired()
        self._live.forget_unless(self.is_alive)
        found = await self._store.load()
        for session in found.sessions:
            known = self._sessions.get(session.key)
            if known is not None and known.used_at - session.used_at >= _NOTE_USE_EVERY:
                await self._store.save_session(known)
        for token in found.tokens:
            used = self._tokens.get(token.key)
            if used is not None and used.used_at - token.used_at >= _NOTE_USE_EVERY:
                await self._store.save_token(used)

    def status(self, visitor: Visitor | None) -> LoginStatus:
        """Return what a caller may know of himself."""
        user = self._users.get(visitor.name) if visitor else None
        return LoginStatus(
            set_up=bool(self._users),
            user=visitor.name if visitor else None,
            role=user.role if user else None,
            permissions=tuple(sorted(visitor.permissions)) if visitor else (),
            second_factor=user is not None and user.factor is not None,
        )

    # --- in and out -------------------------------------------------------------------------------------------------

    async def set_up(self, code: str | None, password: str, origin: str) -> None:
        """Give the owner his first password; `code` None where he has shown otherwise that he is the owner."""
        if self._users:
            raise NodeError(ErrorCode.FORBIDDEN, "this node has an owner already", hint="log in")
        if code is not None:
            self._attempt(origin)
            self._setup_tries += 1
            if self._setup_tries > _SETUP_TRIES or not same_code(code, self._setup_code):
                raise NodeError(
                    ErrorCode.WRONG_CREDENTIALS,
                    "that is not the set-up code",
                    hint="the node's console shows it; 'archipelago password' on the node needs none",
                )
        hashed = await self._passwords.hash(password)
        if self._users:
            raise NodeError(ErrorCode.FORBIDDEN, "this node has an owner already", hint="log in")
        await self._save(User(Role.OWNER.value, Role.OWNER, hashed, self._now()))
        self._backoff.succeed(origin)

    async def log_in(self, name: str, password: str, code: str | None, origin: str, agent: str) -> str:
        """Begin a session and return its secret, which is told to nobody else."""
        self._attempt(origin)
        user = self._users.get(name)
        if not await self._passwords.fits(user.password if user else None, password) or user is None:
            raise _wrong()
        if user.factor is not None:
            if code is None:
                raise NodeError(
                    ErrorCode.SECOND_FACTOR,
                    "this account has a second factor",
                    hint="give the code that your authenticator shows, or a recovery code",
                )
            user = await self._second_factor(user, user.factor, code)
        if self._passwords.is_outdated(user.password):
            await self._save(replace(user, password=await self._passwords.hash(password)))
        self._backoff.succeed(origin)
        return await self._begin(name, origin, agent)

    async def log_in_by_passkey(self, credential: Mapping[str, Any], origin: str, agent: str) -> str:
        """Begin a session for whose passkey answered a challenge, and return its secret."""
        self._attempt(origin)
        name = await self.passkeys.check(credential)
        self._user(name)
        self._backoff.succeed(origin)
        return await self._begin(name, origin, agent)

    async def log_out(self, session: str) -> None:
        """End a session."""
        await self._end_sessions((session,))

    # --- one's own account ------------------------------------------------------------------------------------------

    async def change_password(self, name: str, current: str, new: str, origin: str) -> None:
        """Change one's own password; all sessions of the account end."""
        await self.require_password(name, current, origin)
        await self.set_password(name, new)

    async def require_password(self, name: str, password: str, origin: str) -> None:
        """Have somebody who is logged in show that it is still he."""
        self._attempt(origin)
        if not await self._passwords.fits(self._user(name).password, password):
            raise _wrong()
        self._backoff.succeed(origin)

    async def set_password(self, name: str, new: str) -> None:
        """Set the password of an account whoever knew the old one; all its sessions end."""
        hashed = await self._passwords.hash(new)
        await self._save(replace(self._user(name), password=hashed))
        await self._end_sessions(tuple(key for key, one in self._sessions.items() if one.user == name))

    def begin_second_factor(self, name: str, node: str) -> NewSecondFactor:
        """Propose a second factor, which counts from its first code on."""
        import segno

        self._user(name)
        secret = self._pending[name] = new_totp_secret()
        uri = totp_uri(secret, name, node)
        return NewSecondFactor(secret=secret, uri=uri, qr=segno.make(uri).svg_inline(scale=4, border=2))

    async def confirm_second_factor(self, name: str, code: str, origin: str) -> RecoveryCodes:
        """Take the proposed second factor, given a code of it."""
        user, secret = self._user(name), self._pending.get(name)
        if secret is None:
            raise NodeError(ErrorCode.FORBIDDEN, "no second factor was begun", hint="begin with totp-begin")
        self._attempt(origin)
        step = totp_step(secret, code, self._now(), 0)
        if step is None:
            raise NodeError(
                ErrorCode.WRONG_CREDENTIALS, "that code is not right", hint="look whether both clocks are right"
            )
        self._backoff.succeed(origin)
        codes = new_recovery_codes()
        sealed = await asyncio.to_thread(self._sealer.seal, secret)
        factor = SecondFactor(sealed, step, tuple(map(code_hash, codes)))
        await self._save(replace(user, factor=factor))
        self._pending.pop(name, None)
        return RecoveryCodes(codes=codes)

    def begin_passkey(self, name: str, site: str) -> dict[str, Any]:
        """Return what a browser needs to make a passkey."""
        self._user(name)
        return self.passkeys.begin(name, site)

    async def confirm_passkey(self, name: str, called: str, credential: Mapping[str, Any], origin: str) -> PasskeyView:
        """Keep the passkey that a browser made."""
        self._attempt(origin)
        made = await self.passkeys.confirm(name, called, credential)
        self._backoff.succeed(origin)
        return made

    async def drop_second_factor(self, name: str) -> None:
        """Go back to the password alone."""
        await self._save(replace(self._user(name), factor=None))

    # --- everybody's ------------------------------------------------------------------------------------------------

    def users(self) -> tuple[UserView, ...]:
        """Return all accounts."""
        return tuple(
            UserView(
                name=one.name, role=one.role, created_at=_time(one.created_at), second_factor=one.factor is not None
            )
            for one in self._users.values()
        )

    async def add_user(self, name: str, role: Role, password: str) -> None:
        """Make an account."""
        if not self._users:
            raise NodeError(ErrorCode.FORBIDDEN, "the owner's password comes first", hint="archipelago password")
        if name in self._users:
            raise NodeError(ErrorCode.INVALID_VALUE, f"there is an account {name} already", hint="take another name")
        hashed = await self._passwords.hash(password)
        await self._save(User(name, role, hashed, self._now()))

    async def remove_user(self, name: str) -> None:
        """Remove an account, and end its sessions; the last owner stays."""
        user = self._user(name)
        owners = [one for one in self._users.values() if one.role is Role.OWNER]
        if owners == [user]:
            raise NodeError(ErrorCode.FORBIDDEN, f"{name} is the last owner", hint="make another owner first")
        await self._store.remove_user(name)
        del self._users[name]
        self.passkeys.forget_user(name)
        self._sessions = {key: one for key, one in self._sessions.items() if one.user != name}
        self.ended.notify()

    def sessions(self, name: str | None, current: str) -> tuple[SessionView, ...]:
        """Return the sessions of an account, or of all; `current` is the caller's own."""
        return tuple(
            SessionView(
                id=one.key[:_ID],
                user=one.user,
                created_at=_time(one.created_at),
                used_at=_time(one.used_at),
                expires_at=_time(self._end(one)),
                origin=one.origin,
                agent=one.agent,
                current=one.key == current,
            )
            for one in self._sessions.values()
            if name in (None, one.user) and self.is_alive(one.key)
        )

    async def revoke_session(self, name: str | None, identity: str) -> None:
        """End a session of an account, or of any."""
        found = tuple(key for key, one in self._sessions.items() if key[:_ID] == identity and name in (None, one.user))
        if not found:
            raise NodeError(ErrorCode.INVALID_VALUE, f"there is no session {identity}", hint="session-list shows them")
        await self._end_sessions(found)

    def tokens(self) -> tuple[TokenView, ...]:
        """Return all tokens."""
        return tuple(map(_token_view, self._tokens.values()))

    async def make_token(self, name: str, permissions: frozenset[Permission], days: int) -> NewToken:
        """Make a token for a program."""
        if refused := sorted(permissions - TOKEN_PERMISSIONS):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                f"a token cannot have the permission {refused[0]}",
                hint=f"choose from {', '.join(sorted(TOKEN_PERMISSIONS))}",
            )
        if len(self._tokens) >= _TOKENS or any(one.name == name for one in self._tokens.values()):
            raise NodeError(
                ErrorCode.INVALID_VALUE, f"there is a token {name} already, or there are too many", hint="revoke one"
            )
        secret = TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        now = self._now()
        token = Token(_key(secret), name, permissions, now, now + days * 86400.0)
        await self._store.save_token(token)
        self._tokens[token.key] = token
        self._live.note(token.key, secret)
        return NewToken(secret=secret, token=_token_view(token))

    async def revoke_token(self, identity: str) -> None:
        """Forget a token."""
        found = [key for key in self._tokens if key[:_ID] == identity]
        if not found:
            raise NodeError(ErrorCode.INVALID_VALUE, f"there is no token {identity}", hint="token-list shows them")
        await self._store.remove_token(found[0])
        del self._tokens[found[0]]
        self.ended.notify()

    # --- parts ------------------------------------------------------------------------------------------------------

    def _attempt(self, origin: str) -> None:
        """Count an attempt as failed before it is looked at, or refuse it."""
        now = self._now()
        if (wait := self._backoff.wait(origin, now)) > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                f"too many attempts: wait {wait:.0f} s",
                hint="on the node itself, 'archipelago password' sets a new password at once",
                data={"retry_after": round(wait, 1)},
            )
        self._backoff.fail(origin, now)

    async def _second_factor(self, user: User, factor: SecondFactor, code: str) -> User:
        secret = await asyncio.to_thread(self._sealer.unseal, factor.sealed)
        # Looked at and used up without a pause in between: the same code sent twice at once counts once.
        factor = self._user(user.name).factor or factor
        step = totp_step(secret, code, self._now(), factor.last_step)
        hashed = code_hash(code)
        if step is not None:
            factor = replace(factor, last_step=step)
        elif hashed in factor.recovery:
            factor = replace(factor, recovery=tuple(each for each in factor.recovery if each != hashed))
        else:
            raise _wrong()
        user = replace(user, factor=factor)
        self._users[user.name] = user
        await self._store.save_user(user)
        return user

    async def _begin(self, name: str, origin: str, agent: str) -> str:
        secret, now = new_session_secret(), self._now()
        session = Session(session_key(secret, self._port), name, now, now, origin, agent[:200])
        await self._store.save_session(session)
        self._sessions[session.key] = session
        self._live.note(session.key, secret)
        own = sorted((one for one in self._sessions.values() if one.user == name), key=lambda one: one.used_at)
        await self._end_sessions(tuple(one.key for one in own[:-_SESSIONS_EACH]))
        return secret

    async def _end_sessions(self, keys: tuple[str, ...]) -> None:
        if keys:
            for key in keys:
                self._sessions.pop(key, None)
            self.ended.notify()
            await self._store.remove_sessions(keys)

    async def _forget_expired(self) -> None:
        known = self._sessions.items()
        await self._end_sessions(
            tuple(key for key, one in known if not self.is_alive(key) or one.user not in self._users)
        )

    def _ends_at(self, key: str) -> float:
        if key in self._tokens:
            return self._tokens[key].expires_at
        return self._end(self._sessions[key]) if key in self._sessions else 0.0

    def _end(self, session: Session) -> float:
        return min(session.used_at + self._lifetimes.idle, session.created_at + self._lifetimes.absolute)

    def _user(self, name: str) -> User:
        if name not in self._users:
            raise NodeError(ErrorCode.INVALID_VALUE, f"there is no account {name}", hint="user-list shows them")
        return self._users[name]

    async def _save(self, user: User) -> None:
        await self._store.save_user(user)
        self._users[user.name] = user


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _wrong() -> NodeError:
    return NodeError(
        ErrorCode.WRONG_CREDENTIALS,
        "name, password or code is wrong",
        hint="on the node itself, 'archipelago password' sets a new password",
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _token_view(token: Token) -> TokenView:
    return TokenView(
        id=token.key[:_ID],
        name=token.name,
        permissions=tuple(sorted(token.permissions)),
        created_at=_time(token.created_at),
        expires_at=_time(token.expires_at),
        used_at=_time(token.used_at) if token.used_at else None,
    )
