"""Tokens: logins for programs."""

import hashlib
import secrets

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger, require_session
from archipelago.security.login.sessions.secrets import LiveSecrets
from archipelago.security.login.views import NewToken, TokenView, moment
from archipelago.storage.records.logins import TOKEN_PREFIX, Token
from archipelago.storage.records.permissions import TOKEN_PERMISSIONS, Permission
from archipelago.storage.stores.accounts import Book
from archipelago.support.texts.text import msg

SECRET_BYTES = 32
ID = 16
"""Hexadecimal digits of a key that name a session or token."""
_TOKENS = 100


def key_of(secret: str) -> str:
    """Return what is kept of a secret; it is random, so a fast hash will do."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Tokens:
    """Makes and revokes tokens. Every refusal is a `NodeError`."""

    def __init__(self, ledger: Ledger, clocks: Clocks, live: LiveSecrets) -> None:
        self._ledger = ledger
        self._clocks = clocks
        self._live = live

    def list(self) -> tuple[TokenView, ...]:
        """Return all tokens."""
        return tuple(map(self._view, self._ledger.tokens()))

    async def make(self, name: str, permissions: frozenset[Permission], days: int, source: Source) -> NewToken:
        """Make a token for a program."""
        if refused := sorted(permissions - TOKEN_PERMISSIONS):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("a token cannot have the permission {permission}", permission=refused[0]),
                hint=msg("choose from {token_permissions}", token_permissions=", ".join(sorted(TOKEN_PERMISSIONS))),
            )
        secret, now = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES), self._clocks.now()
        token = Token(key_of(secret), name, permissions, now, now + days * 86400.0)

        def work(book: Book) -> None:
            require_session(book, source.session)
            known = book.tokens()
            if len(known) >= _TOKENS or any(one.name == name for one in known):
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is a token {name} already, or there are too many", name=name),
                    hint=msg("revoke one"),
                )
            book.save_token(token)

        await self._ledger.change(work)
        self._live.note(token.key, secret)
        return NewToken(secret=secret, token=self._view(token))

    async def revoke(self, identity: str, source: Source) -> None:
        """Forget a token."""

        def work(book: Book) -> None:
            require_session(book, source.session)
            found = [one.key for one in book.tokens() if one.key[:ID] == identity]
            if not found:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is no token {identity}", identity=identity),
                    hint=msg("token-list shows them"),
                )
            book.remove_tokens(found)

        await self._ledger.change(work)

    def _view(self, token: Token) -> TokenView:
        used = self._ledger.used_at(token.key)
        return TokenView(
            id=token.key[:ID],
            name=token.name,
            permissions=tuple(sorted(token.permissions)),
            created_at=moment(token.created_at),
            expires_at=moment(token.expires_at),
            used_at=moment(used) if used else None,
        )
