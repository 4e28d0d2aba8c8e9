"""Accounts: made, given another password, removed; and whoever is logged in showing that it is still he."""

from dataclasses import replace

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.audit.chain import RESERVED
from archipelago.security.login.credentials.codes import new_code, same_code
from archipelago.security.login.credentials.confirmations import Confirmations
from archipelago.security.login.credentials.passwords import Passwords
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.refusals import no_account, wrong
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger, require_session, require_user
from archipelago.security.login.views import UserView, moment
from archipelago.storage.records.logins import User
from archipelago.storage.records.permissions import Role
from archipelago.storage.stores.accounts import Book
from archipelago.support.texts.text import msg


class Accounts:
    """Looks after accounts. Every refusal is a `NodeError`, and changes nothing."""

    def __init__(
        self, ledger: Ledger, attempts: Attempts, passwords: Passwords, confirmations: Confirmations, clocks: Clocks
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._passwords = passwords
        self._confirmations = confirmations
        self._clocks = clocks
        self._setup_code = new_code()

    @property
    def setup_code(self) -> str | None:
        """What the console shows until the owner has set a password; a new one at each start."""
        return None if self._ledger.users else self._setup_code

    async def set_up(self, code: str | None, password: str) -> User:
        """Give the owner his first password; `code` None where he has shown otherwise that he is the owner."""
        if self._ledger.users:
            raise _has_owner()
        # Nobody guesses 80 random bits, so wrong codes are not counted: unknown clients could delay the owner so.
        if code is not None and not same_code(code, self._setup_code):
            raise NodeError(
                ErrorCode.WRONG_CREDENTIALS,
                msg("that is not the set-up code"),
                hint=msg("the node's console shows it; 'archipelago password' on the node needs none"),
            )
        hashed = await self._passwords.hash(password)

        def work(book: Book) -> User:
            if book.users():
                raise _has_owner()
            return book.change_user(User(Role.OWNER.value, Role.OWNER, hashed, self._clocks.now()))

        return await self._ledger.change(work)

    async def confirm(self, name: str, password: str, source: Source) -> str:
        """Return a confirmation for the caller's session, whose owner shows by his password that it is he."""
        user, session = self._ledger.users.get(name), self._ledger.session(source.session)
        with self._attempts.attempt(source, name, logged_in=True) as attempt:
            if not await self._passwords.fits(user.password if user else None, password, known=attempt.known):
                raise wrong()
            if user is None or session is None or session.version != user.version:
                raise NodeError(ErrorCode.LOGIN_NEEDED, msg("the session has ended"), hint=msg("log in again"))
            attempt.failed = False
        # For the account as it was when the password was looked at: where that has changed meanwhile it is worthless.
        return self._confirmations.give(session)

    def is_confirmed(self, session: str, given: str) -> bool:
        """Return whether a confirmation is one for this session, and good now."""
        found = self._ledger.session(session)
        return found is not None and self._confirmations.fits(given, found)

    async def set_password(self, name: str, new: str, source: Source, *, everywhere: bool = False) -> None:
        """Set the password of an account; its sessions end, and `everywhere` its passkeys and device marks too."""
        seen = self._ledger.users.get(name)
        if seen is None:
            raise no_account(name)
        hashed = await self._passwords.hash(new)

        def work(book: Book) -> None:
            require_session(book, source.session)
            book.change_user(replace(require_user(book, seen), password=hashed), marks_go_on=not everywhere)
            if everywhere:
                book.remove_passkeys(one.id for one in book.passkeys(name))

        await self._ledger.change(work)

    def list(self) -> tuple[UserView, ...]:
        """Return all accounts."""
        return tuple(
            UserView(
                name=one.name, role=one.role, created_at=moment(one.created_at), second_factor=one.factor is not None
            )
            for one in self._ledger.users.values()
        )

    async def add(self, name: str, role: Role, password: str, source: Source) -> None:
        """Make an account, under a name that the audit log gives to nobody else."""
        if name in RESERVED or (name == Role.OWNER and role is not Role.OWNER):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("{name} is what the audit log calls somebody else", name=name),
                hint=msg("take another name"),
            )
        hashed = await self._passwords.hash(password)

        def work(book: Book) -> None:
            require_session(book, source.session)
            if not book.users():
                raise NodeError(
                    ErrorCode.FORBIDDEN, msg("the owner's password comes first"), hint="archipelago password"
                )
            if book.user(name) is not None:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is an account {name} already", name=name),
                    hint=msg("take another name"),
                )
            book.change_user(User(name, role, hashed, self._clocks.now()))

        await self._ledger.change(work)

    async def remove(self, name: str, source: Source) -> None:
        """Remove an account, and end its sessions; the last owner stays."""

        def work(book: Book) -> None:
            require_session(book, source.session)
            user = book.user(name)
            if user is None:
                raise no_account(name)
            if [one for one in book.users() if one.role is Role.OWNER] == [user]:
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    msg("{name} is the last owner", name=name),
                    hint=msg("make another owner first"),
                )
            book.remove_user(name)

        await self._ledger.change(work)


def _has_owner() -> NodeError:
    return NodeError(ErrorCode.FORBIDDEN, msg("this node has an owner already"), hint=msg("log in"))
