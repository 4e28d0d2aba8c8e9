"""Passkeys: logging in by a key that a device keeps and opens by finger, face or PIN (WebAuthn Level 3).

A passkey stands for the password and the second factor at once, so the device must have verified its user. It is good
for the name by which the page was called, and browsers make none for a bare IP address.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.credentials.challenges import Challenges
from archipelago.security.login.credentials.confirmations import Confirmations
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.refusals import no_account
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.security.login.sessions.ledger import Ledger, require_session, require_user
from archipelago.security.login.views import PasskeyView
from archipelago.storage.records.logins import Passkey, User
from archipelago.storage.stores.accounts import Book
from archipelago.support.texts.text import msg

_GET, _CREATE = "get a passkey", "create a passkey"
_PASSKEYS_EACH = 20
_ID = 16
"""Letters of an ID that name a passkey in lists."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A passkey's answer to a challenge, whose signature is good."""

    key: Passkey
    """As it is after this use."""
    seen: Passkey
    """As it was when the answer was looked at."""
    challenges: Challenges
    challenge: bytes

    def take(self, book: Book) -> User | None:
        """Use the answer up, once, and return its account; None where it is removed, or was used meanwhile."""
        user = book.user(self.key.user)
        if user is None or book.passkey(self.seen.id) != self.seen or not self.challenges.use(self.challenge):
            return None
        book.save_passkey(self.key)
        return user


class Passkeys:
    """Makes, checks and forgets passkeys. Every refusal is a `NodeError`."""

    def __init__(self, ledger: Ledger, challenges: Challenges, confirmations: Confirmations, clocks: Clocks) -> None:
        self._ledger = ledger
        self._challenges = challenges
        self._confirmations = confirmations
        self._clocks = clocks

    def begin(self, user: str, site: str, source: Source) -> dict[str, Any]:
        """Return what a browser's `navigator.credentials.create` needs (`PublicKeyCredentialCreationOptions`)."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        account = self._ledger.users.get(user)
        if account is None:
            raise no_account(user)
        own = [one for one in self._ledger.passkeys.values() if one.user == user]
        _require_room(user, len(own))
        options = generate_registration_options(
            rp_id=_rp_id(site),
            rp_name="Archipelago",
            # Its user ID is random: an app's page at another port, for which browsers let the same names count, cannot
            # have the browser replace or hide a passkey whose ID it does not know (WebAuthn Level 3, 5.1.10 and 6.3.2).
            user_name=user,
            challenge=self._challenges.make(_CREATE, site, user, str(account.version), source.session),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in own],
        )
        return dict(json.loads(options_to_json(options)))

    async def confirm(
        self, user: str, name: str, credential: Mapping[str, Any], site: str, source: Source
    ) -> PasskeyView:
        """Keep the passkey that a browser made."""
        from webauthn import verify_registration_response

        account, challenge = self._ledger.users.get(user), _challenge_of(credential)
        if account is None:
            raise no_account(user)
        if not self._challenges.fits(challenge, _CREATE, site, user, str(account.version), source.session):
            raise _refused()
        try:
            made = await asyncio.to_thread(
                verify_registration_response,
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=_rp_id(site),
                expected_origin=site,
                require_user_verification=True,
            )
        except Exception as error:  # whatever is wrong with bytes that somebody sent
            raise _refused() from error
        key = Passkey(
            id=_text(made.credential_id),
            user=user,
            name=name,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            host=_rp_id(site),
            created_at=self._clocks.now(),
        )

        def work(book: Book) -> None:
            require_session(book, source.session)
            require_user(book, account)
            _require_room(user, len(book.passkeys(user)))
            if book.passkey(key.id) is not None or not self._challenges.use(challenge):
                raise _refused()
            book.save_passkey(key)

        await self._ledger.change(work)
        return _view(key)

    def challenge(self, site: str) -> dict[str, Any]:
        """Return what a browser's `navigator.credentials.get` needs (`PublicKeyCredentialRequestOptions`)."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        # No list of credentials: it would show an unknown client which accounts have one.
        options = generate_authentication_options(
            rp_id=_rp_id(site),
            challenge=self._challenges.make(_GET, site),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(json.loads(options_to_json(options)))

    async def answer(self, credential: Mapping[str, Any], site: str) -> Answer:
        """Return the answer that a passkey gave to a challenge of this site; it counts once it is taken."""
        from webauthn import verify_authentication_response

        challenge = _challenge_of(credential)
        known = self._ledger.passkeys.get(str(credential.get("id")))
        fits = self._challenges.fits(challenge, _GET, site)
        if not fits or known is None or known.host != _rp_id(site):
            raise _refused()
        try:
            answer = await asyncio.to_thread(
                verify_authentication_response,
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=known.host,
                expected_origin=site,
                credential_public_key=known.public_key,
                # One that counts backwards is a copy.
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except Exception as error:
            raise _refused() from error
        used = replace(known, sign_count=answer.new_sign_count, used_at=self._clocks.now())
        return Answer(used, known, self._challenges, challenge)

    async def reassure(self, user: str, credential: Mapping[str, Any], site: str, source: Source) -> str:
        """Return a confirmation for the caller's session, whose owner shows by a passkey of his that it is he."""
        answer = await self.answer(credential, site)

        def work(book: Book) -> User | None:
            require_session(book, source.session)
            return answer.take(book) if answer.key.user == user else None

        taken = await self._ledger.change(work)
        session = self._ledger.session(source.session)
        if taken is None or session is None or session.version != taken.version:
            raise _refused()
        return self._confirmations.give(session)

    def list(self, user: str | None) -> tuple[PasskeyView, ...]:
        """Return the passkeys of an account, or all."""
        return tuple(_view(one) for one in self._ledger.passkeys.values() if user in (None, one.user))

    async def remove(self, user: str | None, identity: str, source: Source) -> Passkey:
        """Forget a passkey of an account, or of any; return it."""

        def work(book: Book) -> Passkey:
            require_session(book, source.session)
            found = [one for one in book.passkeys(user) if one.id[:_ID] == identity]
            if not found:
                raise NodeError(
                    ErrorCode.INVALID_VALUE,
                    msg("there is no passkey {identity}", identity=identity),
                    hint=msg("passkey-list shows them"),
                )
            book.remove_passkeys((found[0].id,))
            return found[0]

        return await self._ledger.change(work)


def _challenge_of(credential: Mapping[str, Any]) -> bytes:
    """Return the challenge that an answer names."""
    from webauthn.helpers import base64url_to_bytes

    try:
        client_data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(client_data["challenge"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _refused() from error


def _require_room(user: str, own: int) -> None:
    if own >= _PASSKEYS_EACH:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("{user} has {count} passkeys", user=user, count=own),
            hint=msg("remove one first"),
        )


def _rp_id(site: str) -> str:
    """Return the name that a passkey is for; raises `NodeError` where there can be none."""
    host = urlsplit(site).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        if host:
            return host
    raise NodeError(
        ErrorCode.INVALID_VALUE,
        msg("browsers keep passkeys for names, not for addresses"),
        hint=msg("open the page by the node's name, such as http://localhost:8480; 'network-status' shows its names"),
    )


def _refused() -> NodeError:
    return NodeError(
        ErrorCode.WRONG_CREDENTIALS, msg("that passkey is not right"), hint=msg("try again, or use the password")
    )


def _text(raw: bytes) -> str:
    from webauthn.helpers import bytes_to_base64url

    return bytes_to_base64url(raw)


def _view(key: Passkey) -> PasskeyView:
    return PasskeyView(
        id=key.id[:_ID],
        user=key.user,
        name=key.name,
        host=key.host,
        created_at=datetime.fromtimestamp(key.created_at, UTC),
        used_at=datetime.fromtimestamp(key.used_at, UTC) if key.used_at else None,
    )
