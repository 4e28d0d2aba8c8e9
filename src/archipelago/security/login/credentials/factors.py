"""Second factors: proposed, confirmed by a first code, used, taken off."""

import asyncio
from dataclasses import dataclass, replace

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.credentials.codes import (
    code_hash,
    new_recovery_codes,
    new_totp_secret,
    totp_step,
    totp_uri,
)
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.refusals import no_account
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger, require_session, require_user
from archipelago.security.login.views import NewSecondFactor, RecoveryCodes
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.records.logins import SecondFactor, User
from archipelago.storage.stores.accounts import Book
from archipelago.support.texts.text import msg

_SECONDS = 900.0
"""How long a proposed factor waits for its first code."""


@dataclass(frozen=True, slots=True)
class _Proposed:
    user: User
    secret: str
    until: float


class SecondFactors:
    """Looks after the second factors of accounts. Every refusal is a `NodeError`."""

    def __init__(self, ledger: Ledger, attempts: Attempts, sealer: Sealer, clocks: Clocks) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._sealer = sealer
        self._clocks = clocks
        self._proposed: dict[tuple[str, str], _Proposed] = {}
        """By session and account: what one browser proposes does not replace what another does."""

    def begin(self, name: str, node: str, source: Source) -> NewSecondFactor:
        """Propose a second factor, which counts from its first code on."""
        import segno

        user, now = self._ledger.users.get(name), self._clocks.steady()
        if user is None:
            raise no_account(name)
        # Bounded by the sessions that an account may have, so nobody drops what another proposes.
        waiting = ((key, one) for key, one in self._proposed.items() if one.until > now)
        self._proposed = {key: one for key, one in waiting if not key[0] or self._ledger.is_alive(key[0])}
        secret = new_totp_secret()
        self._proposed[source.session, name] = _Proposed(user, secret, now + _SECONDS)
        uri = totp_uri(secret, name, node)
        return NewSecondFactor(secret=secret, uri=uri, qr=segno.make(uri).svg_inline(scale=4, border=2))

    async def confirm(self, name: str, code: str, source: Source) -> RecoveryCodes:
        """Take the proposed second factor, given a code of it; sessions go on."""
        proposed = self._proposed.get((source.session, name))
        if proposed is None or proposed.until <= self._clocks.steady():
            raise NodeError(
                ErrorCode.FORBIDDEN, msg("no second factor is being set up"), hint=msg("call totp-begin first")
            )
        with self._attempts.attempt(source, name, logged_in=True) as attempt:
            step = totp_step(proposed.secret, code, self._clocks.now(), 0)
            if step is None:
                raise NodeError(
                    ErrorCode.WRONG_CREDENTIALS,
                    msg("that code is not right"),
                    hint=msg("look whether both clocks are right"),
                )
            attempt.failed = False
        codes = new_recovery_codes()
        sealed = await asyncio.to_thread(self._sealer.seal, proposed.secret)
        factor = SecondFactor(sealed, step, tuple(map(code_hash, codes)))

        def work(book: Book) -> None:
            require_session(book, source.session)
            book.change_user(replace(require_user(book, proposed.user), factor=factor), sessions_go_on=True)

        await self._ledger.change(work)
        self._proposed.pop((source.session, name), None)
        return RecoveryCodes(codes=codes)

    async def drop(self, name: str, source: Source) -> None:
        """Go back to the password alone; sessions go on."""

        def work(book: Book) -> None:
            require_session(book, source.session)
            user = book.user(name)
            if user is None:
                raise no_account(name)
            if user.factor is not None:
                book.change_user(replace(user, factor=None), sessions_go_on=True)

        await self._ledger.change(work)

    async def secret(self, user: User) -> str | None:
        """Return the shared secret of an account's second factor; None where it has none."""
        return await asyncio.to_thread(self._sealer.unseal, user.factor.sealed) if user.factor is not None else None


def spend_code(user: User, secret: str, code: str, now: float) -> User | None:
    """Return an account once a code of its second factor, or a recovery code, is used up; None where it is wrong.

    Called with the account as of the transaction that keeps the result: the same code sent twice at once counts once.
    """
    assert user.factor is not None
    step, hashed = totp_step(secret, code, now, user.factor.last_step), code_hash(code)
    if step is not None:
        return replace(user, factor=replace(user.factor, last_step=step))
    if hashed not in user.factor.recovery:
        return None
    left = tuple(each for each in user.factor.recovery if each != hashed)
    return replace(user, factor=replace(user.factor, recovery=left))
