"""Codes that are typed: set-up code, time-based one-time passwords (RFC 6238), recovery codes. Pure but for chance."""

import base64
import hashlib
import hmac
import secrets

_STEP = 30
_CODES = 10
_DIGITS = 6


def new_code() -> str:
    """Return a code of 80 random bits, in groups that are easy to type."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[begin : begin + 4] for begin in range(0, len(text), 4))


def same_code(given: str, expected: str) -> bool:
    """Return whether a typed code is the expected one, whatever its case and hyphens."""
    return hmac.compare_digest(_plain(given).encode(), _plain(expected).encode())


def new_recovery_codes() -> tuple[str, ...]:
    """Return codes, each of which replaces the second factor once."""
    return tuple(new_code() for _ in range(_CODES))


def code_hash(code: str) -> str:
    """Return what is kept of a code; it has 80 random bits, so a fast hash will do."""
    return hashlib.sha256(_plain(code).encode()).hexdigest()


def new_totp_secret() -> str:
    """Return a shared secret of 160 bits, in base32."""
    import pyotp

    return pyotp.random_base32()


def totp_uri(secret: str, user: str, node: str) -> str:
    """Return what an authenticator's QR code holds (Key URI format)."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=f"Archipelago {node}")


def totp_step(secret: str, code: str, now: float, after: int) -> int | None:
    """Return the time step of a code that is right now, one step early or late; None where it is wrong or was used."""
    import pyotp

    digits = code.replace(" ", "")
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    totp, current = pyotp.TOTP(secret, interval=_STEP), int(now) // _STEP
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp.at(step * _STEP), digits) and step > after:
            found = step
    return found


def _plain(code: str) -> str:
    return "".join(letter for letter in code[:100].lower() if letter.isalnum())
