"""Notices to owners of accounts when somebody changes how one logs in."""

from collections.abc import Awaitable, Callable

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger
from archipelago.security.login.views import AccountNotice, moment
from archipelago.storage.records.logins import LoginNotice
from archipelago.storage.records.permissions import Role
from archipelago.storage.stores.accounts import Book
from archipelago.support.texts.text import msg


class Notices:
    """Leaves notices, shows them and takes them away."""

    def __init__(self, ledger: Ledger, clocks: Clocks, on_notice: Callable[[], Awaitable[None]] | None) -> None:
        self._ledger = ledger
        self._clocks = clocks
        self._on_notice = on_notice

    async def leave(self, action: str, subject: str, account: str, by: str, origin: str) -> None:
        """Notify an account of what was done, and by whom; all owners where it concerns no account, or another's."""
        notice = LoginNotice(0, "", action, subject, by, origin, self._clocks.now())

        def work(book: Book) -> None:
            users = {one.name: one.role for one in book.users()}
            owners = {name for name, role in users.items() if role is Role.OWNER}
            people = {account} if account == by else owners | {account}
            book.tell(sorted(people & set(users)), notice)

        await self._ledger.change(work)
        if self._on_notice is not None:
            await self._on_notice()

    def list(self, name: str) -> tuple[AccountNotice, ...]:
        """Return the notices of an account, the newest first."""
        return tuple(
            AccountNotice(
                id=one.id, action=one.action, subject=one.subject, by=one.by, origin=one.origin, at=moment(one.at)
            )
            for one in reversed(self._ledger.notices)
            if one.user == name
        )

    async def dismiss(self, name: str, identity: int) -> None:
        """Take a notice of an account away."""
        if not await self._ledger.change(lambda book: book.dismiss(name, identity)):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("there is no notice {identity}", identity=identity),
                hint=msg("notice-list shows them"),
            )
