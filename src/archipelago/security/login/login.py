"""Lets people and programs in: the one place that knows who is logged in."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.accounts import Accounts
from archipelago.security.login.credentials.challenges import Challenges
from archipelago.security.login.credentials.confirmations import Confirmations
from archipelago.security.login.credentials.factors import SecondFactors, spend_code
from archipelago.security.login.credentials.passkeys import Passkeys
from archipelago.security.login.credentials.passwords import Passwords
from archipelago.security.login.credentials.tokens import ID, Tokens, key_of
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.guessing.mark_key import mark_key
from archipelago.security.login.guessing.marks import Device, DeviceMarks
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit
from archipelago.security.login.notices import Notices
from archipelago.security.login.refusals import wrong
from archipelago.security.login.sessions.app_sessions import AppSessions
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger, Lifetimes
from archipelago.security.login.sessions.secrets import Hider, LiveSecrets, new_session_secret, session_key
from archipelago.security.login.sessions.stamps import Stamps
from archipelago.security.login.views import LoginStatus, SessionView, moment
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.records.logins import Session, User
from archipelago.storage.records.permissions import PERMISSIONS, Permission, Role
from archipelago.storage.stores.accounts import AccountStore, Book
from archipelago.support.texts.text import msg

__all__ = ["Lifetimes", "Login", "Start", "Visitor"]

_SESSIONS_EACH = 20
_NOTE_USE_EVERY = 60.0
_LOOK_EVERY = 60.0
_LOGINS = Rate(0.5, 200)
"""How often an account that is no owner's may start a session: each takes room in the audit log for ever."""
_ROUNDS = 3
"""How often a login is looked at again because the account has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has shown who he is."""

    name: str
    permissions: frozenset[Permission]
    session: str = ""
    """Key of his session or token."""


@dataclass(frozen=True, slots=True)
class Start:
    """A session that has just started. All of it is secret."""

    session: str
    """What shows who is logged in."""
    device: str
    """Mark of the device, for its next login."""
    confirmation: str
    """That whoever is logged in has shown a moment ago who he is."""


class Login:
    """Accounts, sessions and tokens. Every refusal is a `NodeError`.

    `port` is the one at which the node's page is served; `hider` learns every secret that shows who somebody is;
    `on_notice` is called when somebody was left a notice.
    """

    def __init__(
        self,
        store: AccountStore,
        sealer: Sealer,
        clocks: Clocks,
        *,
        passwords: Passwords | None = None,
        lifetimes: Lifetimes | None = None,
        port: int = 0,
        hider: Hider | None = None,
        on_notice: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._clocks = clocks
        self._sealer = sealer
        self._passwords = passwords or Passwords()
        self._port = port
        self._live = LiveSecrets(hider)
        self._ledger = Ledger(store, clocks, lifetimes or Lifetimes())
        self._attempts = Attempts(clocks.steady)
        self._logins = RateLimit()
        stamps = Stamps(secrets.token_bytes(32))  # what it signs ends with this process
        self._marks = DeviceMarks(stamps)
        self.apps = AppSessions(clocks.steady, stamps)
        self._confirmations = Confirmations(stamps, clocks.steady)
        challenges = Challenges(stamps, clocks.steady)
        self.accounts = Accounts(self._ledger, self._attempts, self._passwords, self._confirmations, clocks)
        self.factors = SecondFactors(self._ledger, self._attempts, sealer, clocks)
        self.tokens = Tokens(self._ledger, clocks, self._live)
        self.passkeys = Passkeys(self._ledger, challenges, self._confirmations, clocks)
        self.notices = Notices(self._ledger, clocks, on_notice)

    async def open(self) -> None:
        """Read what is kept."""
        await self._ledger.change(lambda book: book.end_future(self._clocks.now()))
        lasting = Stamps(await mark_key(self._ledger, self._sealer))
        self._marks = DeviceMarks(lasting)
        self.apps.use(lasting)
        await self._forget_ended()

    # --- who is there -----------------------------------------------------------------------------------------------

    @property
    def setup_code(self) -> str | None:
        """What the console shows until the owner has set a password; a new one at each start."""
        return self.accounts.setup_code

    def by_session(self, secret: str) -> Visitor | None:
        """Return who a session's secret belongs to, or None."""
        visitor = self._by_key(session_key(secret, self._port))
        if visitor is not None:
            self._live.note(visitor.session, secret)
        return visitor

    def by_app_session(self, site: str, kept: str) -> Visitor | None:
        """Return who it is that keeps this for the origin of an app, or None."""
        key = self.apps.session(site, kept)
        return self._by_key(key) if key is not None else None

    def _by_key(self, key: str) -> Visitor | None:
        session = self._ledger.session(key)
        if session is None:
            return None
        self._ledger.touch(session.key)
        return Visitor(session.user, PERMISSIONS[self._ledger.users[session.user].role], session.key)

    def by_token(self, secret: str) -> Visitor | None:
        """Return what a token belongs to, or None."""
        token = self._ledger.token(key_of(secret))
        if token is None:
            return None
        self._live.note(token.key, secret)
        self._ledger.touch(token.key)
        return Visitor(f"token {token.name}", token.permissions, token.key)

    def by_mark(self, mark: str) -> Device | None:
        """Return the device that a mark was given to, or None; it lets nobody in."""
        return self._marks.read(mark, self._ledger.users.get)

    def is_alive(self, session: str) -> bool:
        """Return whether a session goes on, or a token is good."""
        return self._ledger.is_alive(session)

    def is_session(self, key: str) -> bool:
        """Return whether it is the key of a session that goes on: somebody is there, and no program."""
        return self._ledger.session(key) is not None

    async def until_ended(self, session: str) -> None:
        """Return when a session or token has ended: at once where somebody ended it."""
        await self.until_one_ended(lambda: (session,))

    async def until_one_ended(self, sessions: Callable[[], Collection[str]]) -> None:
        """Return when one of some sessions or tokens has ended: at once where somebody ended it."""
        while all(map(self.is_alive, sessions())):
            left = min(map(self._ledger.left, sessions()), default=_LOOK_EVERY)
            try:
                async with asyncio.timeout(min(left, _LOOK_EVERY)):
                    await self._ledger.changed.until(lambda: not all(map(self.is_alive, sessions())))
            except TimeoutError:
                pass

    async def note_use(self) -> None:
        """Write down when sessions and tokens were last used, and forget those that have ended."""
        await self._forget_ended()
        self._live.forget_unless(self.is_alive)
        if used := self._ledger.unnoted(_NOTE_USE_EVERY):
            await self._ledger.change(lambda book: book.note_use(used))

    def status(self, visitor: Visitor | None) -> LoginStatus:
        """Return what a caller may know of himself."""
        user = self._ledger.users.get(visitor.name) if visitor else None
        return LoginStatus(
            set_up=bool(self._ledger.users),
            user=visitor.name if visitor else None,
            role=user.role if user else None,
            permissions=tuple(sorted(visitor.permissions)) if visitor else (),
            second_factor=user is not None and user.factor is not None,
        )

    # --- in and out -------------------------------------------------------------------------------------------------

    async def log_in(self, name: str, password: str, code: str | None, source: Source) -> Start:
        """Start a session, in the place of the caller's own where he has one."""
        with self._attempts.attempt(source, name) as attempt:
            for _ in range(_ROUNDS):
                user = self._ledger.users.get(name)
                fits = await self._passwords.fits(user.password if user else None, password, known=attempt.known)
                if not fits or user is None:
                    raise wrong()
                if user.factor is not None and code is None:
                    attempt.failed, attempt.partial = False, True  # the password was right, the code is missing
                    raise NodeError(
                        ErrorCode.SECOND_FACTOR,
                        msg("this account has a second factor"),
                        hint=msg("give the code that your authenticator shows, or a recovery code"),
                    )
                factor = await self.factors.secret(user)
                old = self._passwords.is_outdated(user.password)
                anew = await self._passwords.hash(password) if old else user.password
                start = await self._begin(name, self._checked(user, factor, code or "", anew), source)
                if start is not None:
                    attempt.failed = False
                    return start
        raise _changing(name)

    def _checked(self, seen: User, factor: str | None, code: str, password: str) -> Callable[[Book], User | None]:
        """Return what decides, within the transaction that starts the session, whether the account is the one seen."""

        def check(book: Book) -> User | None:
            user = book.user(seen.name)
            if user is None or user.version != seen.version:
                return None
            if factor is not None:
                spent = spend_code(user, factor, code, self._clocks.now())
                if spent is None:
                    raise wrong()
                user = spent
            user = replace(user, password=password)
            book.keep_user(user)
            return user

        return check

    async def log_in_by_passkey(self, credential: Mapping[str, Any], site: str, source: Source) -> Start:
        """Start a session for whose passkey answered a challenge of this site.

        Nobody guesses a signature, so nobody waits here for what others got wrong.
        """
        answer = await self.passkeys.answer(credential, site)
        start = await self._begin(answer.key.user, answer.take, source)
        if start is None:
            raise wrong()
        return start

    async def set_up(self, code: str, password: str, source: Source) -> Start:
        """Give the owner his first password, and start his session.

        The code shows who he is, so he does not wait here for what others got wrong.
        """
        owner = await self.accounts.set_up(code, password)
        start = await self._begin(owner.name, lambda book: owner if book.user(owner.name) == owner else None, source)
        if start is None:
            raise _changing(owner.name)
        return start

    async def log_out(self, session: str) -> None:
        """End a session."""
        await self._ledger.change(lambda book: book.remove_sessions((session,)))

    async def _begin(self, name: str, check: Callable[[Book], User | None], source: Source) -> Start | None:
        """Start a session where `check` says for which account, in the same transaction."""
        secret, now = new_session_secret(), self._clocks.now()
        session = Session(session_key(secret, self._port), name, now, now, source.origin, source.agent[:200], 0)

        def work(book: Book) -> tuple[User, Session] | None:
            user = check(book)
            if user is None:
                return None
            self._require_patience(user)
            begun = replace(session, version=user.version)
            book.remove_sessions((source.session,))
            book.add_session(begun, most=_SESSIONS_EACH)
            return user, begun

        found = await self._ledger.change(work)
        if found is None:
            return None
        user, begun = found
        self._live.note(begun.key, secret)
        return Start(secret, self._marks.give(user, source.device), self._confirmations.give(begun))

    def _require_patience(self, user: User) -> None:
        wait = 0.0 if user.role is Role.OWNER else self._logins.take(user.name, _LOGINS, self._clocks.steady())
        if wait > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("the account {user} logs in too often", user=user.name),
                hint=msg("keep a session, or use a token for a program"),
                data={"retry_after": round(wait, 1)},
            )

    # --- sessions ---------------------------------------------------------------------------------------------------

    def sessions(self, name: str | None, current: str) -> tuple[SessionView, ...]:
        """Return the sessions of an account, or of all; `current` is the caller's own."""
        now = self._clocks.now()
        return tuple(
            SessionView(
                id=one.key[:ID],
                user=one.user,
                created_at=moment(one.created_at),
                used_at=moment(self._ledger.used_at(one.key)),
                expires_at=moment(now + self._ledger.left(one.key)),
                origin=one.origin,
                agent=one.agent,
                current=one.key == current,
            )
            for one in self._ledger.sessions()
            if name in (None, one.user)
        )

    async def revoke_session(self, name: str | None, identity: str) -> None:
        """End a session of an account, or of any."""

        def work(book: Book) -> None:
            found = [one.key for one in book.logins().sessions if one.key[:ID] == identity and name in (None, one.user)]
            if not found:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is no session {identity}", identity=identity),
                    hint=msg("session-list shows them"),
                )
            book.remove_sessions(found)

        await self._ledger.change(work)

    async def _forget_ended(self) -> None:
        if ended := self._ledger.ended():
            await self._ledger.change(lambda book: book.remove_sessions(ended))


def _changing(name: str) -> NodeError:
    return NodeError(ErrorCode.BUSY, msg("the account {name} is just being changed", name=name), hint=msg("try again"))
