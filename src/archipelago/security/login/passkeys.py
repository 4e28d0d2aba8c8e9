"""Passkeys: logging in by a key that a device keeps and opens by finger, face or PIN (WebAuthn Level 3).

A passkey stands for the password and the second factor at once, so the device must have verified its user. It is good
for the name by which the page was called, and browsers make none for a bare IP address.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.records import Passkey
from archipelago.security.login.views import PasskeyView
from archipelago.storage.accounts import AccountStore

_CHALLENGE_BYTES = 32
_CHALLENGE_SECONDS = 300.0
_CHALLENGES = 1000
_PASSKEYS_EACH = 20
_ID = 16
"""Letters of an ID that name a passkey in lists."""


@dataclass(frozen=True, slots=True)
class _Pending:
    challenge: bytes
    user: str | None
    """Whose new passkey it is for; None for logging in."""
    site: str
    until: float


class Passkeys:
    """Makes, checks and forgets passkeys. `now` gives seconds since 1970. Every refusal is a `NodeError`."""

    def __init__(self, store: AccountStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._known: dict[str, Passkey] = {}
        self._pending: dict[bytes, _Pending] = {}

    def take(self, known: tuple[Passkey, ...]) -> None:
        """Take in what is kept."""
        self._known = {one.id: one for one in known}

    def begin(self, user: str, site: str) -> dict[str, Any]:
        """Return what a browser's `navigator.credentials.create` needs (`PublicKeyCredentialCreationOptions`)."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        own = [one for one in self._known.values() if one.user == user]
        if len(own) >= _PASSKEYS_EACH:
            raise NodeError(ErrorCode.INVALID_VALUE, f"{user} has {len(own)} passkeys", hint="remove one first")
        options = generate_registration_options(
            rp_id=_rp_id(site),
            rp_name="Archipelago",
            # Its user ID is random: an app's page at another port, for which browsers let the same names count, cannot
            # have the browser replace or hide a passkey whose ID it does not know (WebAuthn Level 3, 5.1.10 and 6.3.2).
            user_name=user,
            challenge=self._challenge(user, site),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in own],
        )
        return dict(json.loads(options_to_json(options)))

    async def confirm(self, user: str, name: str, credential: Mapping[str, Any]) -> PasskeyView:
        """Keep the passkey that a browser made."""
        from webauthn import verify_registration_response

        pending = self._answered(credential, user)
        try:
            made = await asyncio.to_thread(
                verify_registration_response,
                credential=dict(credential),
                expected_challenge=pending.challenge,
                expected_rp_id=_rp_id(pending.site),
                expected_origin=pending.site,
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
            host=_rp_id(pending.site),
            created_at=self._now(),
        )
        if key.id in self._known:
            raise _refused()
        await self._store.save_passkey(key)
        self._known[key.id] = key
        return _view(key)

    def challenge(self, site: str) -> dict[str, Any]:
        """Return what a browser's `navigator.credentials.get` needs (`PublicKeyCredentialRequestOptions`)."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        # No list of credentials: it would tell a stranger which accounts have one.
        options = generate_authentication_options(
            rp_id=_rp_id(site),
            challenge=self._challenge(None, site),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return dict(json.loads(options_to_json(options)))

    async def check(self, credential: Mapping[str, Any]) -> str:
        """Return whose passkey answered a challenge."""
        from webauthn import verify_authentication_response

        pending = self._answered(credential, None)
        known = self._known.get(str(credential.get("id")))
        if known is None or known.host != _rp_id(pending.site):
            raise _refused()
        try:
            answer = await asyncio.to_thread(
                verify_authentication_response,
                credential=dict(credential),
                expected_challenge=pending.challenge,
                expected_rp_id=known.host,
                expected_origin=pending.site,
                credential_public_key=known.public_key,
                # One that counts backwards is a copy.
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except Exception as error:
            raise _refused() from error
        if self._known.get(known.id) is not known:
            raise _refused()  # removed or used at the same moment
        used = replace(known, sign_count=answer.new_sign_count, used_at=self._now())
        self._known[known.id] = used
        await self._store.save_passkey(used)
        return used.user

    def list(self, user: str | None) -> tuple[PasskeyView, ...]:
        """Return the passkeys of an account, or all."""
        return tuple(_view(one) for one in self._known.values() if user in (None, one.user))

    async def remove(self, user: str | None, identity: str) -> None:
        """Forget a passkey of an account, or of any."""
        found = [one for one in self._known.values() if one.id[:_ID] == identity and user in (None, one.user)]
        if not found:
            raise NodeError(ErrorCode.INVALID_VALUE, f"there is no passkey {identity}", hint="passkey-list shows them")
        del self._known[found[0].id]
        await self._store.remove_passkey(found[0].id)

    def forget_user(self, user: str) -> None:
        """Forget the passkeys of an account that is gone."""
        self._known = {key: one for key, one in self._known.items() if one.user != user}

    def _challenge(self, user: str | None, site: str) -> bytes:
        now = self._now()
        self._pending = {key: one for key, one in self._pending.items() if one.until > now}
        while len(self._pending) >= _CHALLENGES:
            del self._pending[next(iter(self._pending))]
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        self._pending[challenge] = _Pending(challenge, user, site, now + _CHALLENGE_SECONDS)
        return challenge

    def _answered(self, credential: Mapping[str, Any], user: str | None) -> _Pending:
        """Return the challenge that an answer names, and use it up."""
        from webauthn.helpers import base64url_to_bytes

        try:
            client_data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
            pending = self._pending.pop(base64url_to_bytes(client_data["challenge"]))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise _refused() from error
        if pending.user != user or pending.until <= self._now():
            raise _refused()
        return pending


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
        "browsers keep passkeys for names, not for addresses",
        hint="open the page by the node's name, such as http://localhost:8480; 'network-status' shows its names",
    )


def _refused() -> NodeError:
    return NodeError(ErrorCode.WRONG_CREDENTIALS, "that passkey is not right", hint="try again, or use the password")


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
