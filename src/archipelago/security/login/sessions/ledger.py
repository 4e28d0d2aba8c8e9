"""What is kept of logins: decided in transactions of the database, and copied in memory for every request.

Whoever may change something is looked up in the same transaction that changes it, so nothing that was true a moment ago
is acted upon. The copy is taken after each transaction, whole, in the order of the transactions.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.storage.records.logins import LoginNotice, Logins, Passkey, Session, Token, User
from archipelago.storage.stores.accounts import AccountStore, Book
from archipelago.support.broadcast import Signal
from archipelago.support.texts.text import msg

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts, in seconds."""

    idle: float = 24 * 3600.0
    absolute: float = 30 * 24 * 3600.0


@dataclass(slots=True)
class _Age:
    """How old a session or token is, by the steady clock."""

    ends: float
    """When it ends, used or not."""
    used: float
    used_at: float
    """The same moment, for people."""


class Ledger:
    """Accounts, sessions, tokens and passkeys as they are now."""

    def __init__(self, store: AccountStore, clocks: Clocks, lifetimes: Lifetimes) -> None:
        self._store = store
        self._clocks = clocks
        self._lifetimes = lifetimes
        self._number = 0
        self._ages: dict[str, _Age] = {}
        self.users: Mapping[str, User] = {}
        self.passkeys: Mapping[str, Passkey] = {}
        self.notices: tuple[LoginNotice, ...] = ()
        self._sessions: Mapping[str, Session] = {}
        self._tokens: Mapping[str, Token] = {}
        self.changed = Signal()
        """Called after each change."""

    async def change(self, work: Callable[[Book], T]) -> T:
        """Run `work` in one transaction, to its end even where the caller goes away; a `NodeError` undoes all of it."""
        task = asyncio.ensure_future(self._change(work))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    async def _change(self, work: Callable[[Book], T]) -> T:
        outcome = await self._store.run(work)
        if outcome.number > self._number:
            self._number = outcome.number
            self._take(outcome.kept)
        result: T = outcome.result
        return result

    def _take(self, kept: Logins) -> None:
        self.users = {one.name: one for one in kept.users}
        self.passkeys = {one.id: one for one in kept.passkeys}
        self.notices = kept.notices
        self._sessions = {one.key: one for one in kept.sessions}
        self._tokens = {one.key: one for one in kept.tokens}
        timed: tuple[Session | Token, ...] = (*kept.sessions, *kept.tokens)
        self._ages = {one.key: self._ages.get(one.key) or self._age(one) for one in timed}
        self.changed.notify()

    def _age(self, one: Session | Token) -> _Age:
        """Return how old something is that was stored: by the clock of the wall, but younger than new is nothing."""
        now, steady = self._clocks.now(), self._clocks.steady()
        longest = one.expires_at - one.created_at if isinstance(one, Token) else self._lifetimes.absolute
        ends = steady + longest - max(0.0, now - one.created_at)
        return _Age(ends, steady - max(0.0, now - one.used_at), one.used_at)

    # --- sessions and tokens ----------------------------------------------------------------------------------------

    def session(self, key: str) -> Session | None:
        """Return a session that is good now."""
        session = self._sessions.get(key)
        user = self.users.get(session.user) if session is not None else None
        good = session is not None and user is not None and user.version == session.version and self.left(key) > 0
        return session if good else None

    def token(self, key: str) -> Token | None:
        """Return a token that is good now."""
        return self._tokens.get(key) if self.left(key) > 0 else None

    def sessions(self) -> tuple[Session, ...]:
        """Return all sessions that are good now."""
        return tuple(one for key in self._sessions if (one := self.session(key)) is not None)

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, also those that have ended."""
        return tuple(self._tokens.values())

    def is_alive(self, key: str) -> bool:
        """Return whether it is the key of a session or token that is good now."""
        return self.session(key) is not None or self.token(key) is not None

    def left(self, key: str) -> float:
        """Return the seconds for which a session or token is good unless it is used; 0 when it is not."""
        age = self._ages.get(key)
        if age is None:
            return 0.0
        ends = min(age.ends, age.used + self._lifetimes.idle) if key in self._sessions else age.ends
        return max(0.0, ends - self._clocks.steady())

    def touch(self, key: str) -> None:
        """Note that a session or token is used."""
        age = self._ages[key]
        age.used, age.used_at = self._clocks.steady(), self._clocks.now()

    def used_at(self, key: str) -> float:
        """Return when a session or token was used last, in seconds since 1970."""
        return self._ages[key].used_at if key in self._ages else 0.0

    def unnoted(self, since: float) -> dict[str, float]:
        """Return what was used, later than is stored by more than `since` seconds, and when."""
        kept: tuple[Session | Token, ...] = (*self._sessions.values(), *self._tokens.values())
        used = {one.key: (self._ages[one.key].used_at, one.used_at) for one in kept}
        return {key: newer for key, (newer, stored) in used.items() if newer - stored >= since}

    def ended(self) -> tuple[str, ...]:
        """Return the sessions that are stored and good no longer."""
        return tuple(key for key in self._sessions if self.session(key) is None)


def require_session(book: Book, key: str) -> None:
    """Raise `NodeError` unless a session is good as of this transaction; no key is the owner on his own socket."""
    session = book.session(key) if key else None
    user = book.user(session.user) if session is not None else None
    if key and (session is None or user is None or user.version != session.version):
        raise NodeError(ErrorCode.LOGIN_NEEDED, msg("the session has ended"), hint=msg("log in again"))


def require_user(book: Book, seen: User) -> User:
    """Return an account as of this transaction; raises `NodeError` where it has changed since it was seen."""
    user = book.user(seen.name)
    if user is None or user.version != seen.version:
        raise NodeError(
            ErrorCode.BUSY,
            msg("the account {name} has just changed", name=seen.name),
            hint=msg("look at it, then try again"),
        )
    return user
