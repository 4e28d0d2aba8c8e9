"""Macaroons of LND: what a consumer may do, signed with a key that LND and the node have. Pure.

The node makes them itself, so a new consumer changes nothing of LND. They end with their root key alone, which LND
has for as long as its wallet: what a consumer that is gone had would still be a key, but nothing reaches LND any more.

https://github.com/go-macaroon/macaroon (binary format 2), https://github.com/go-macaroon-bakery (identifiers)
"""

import base64
import hmac
from collections.abc import Sequence

_FORMAT, _IDENTIFIER_VERSION = b"\x02", b"\x03"
_LOCATION, _IDENTIFIER, _END, _SIGNATURE = 1, 2, b"\x00", 6
"""Fields of the binary format."""
_STORAGE = b"0"
"""Name that LND has for the root key with which its wallet was made."""
_KEY_BYTES = 32


def baked(root_key: str, consumer: str, permissions: Sequence[str]) -> str:
    """Return a macaroon in hexadecimal, the same for the same consumer and permissions (`ENTITY:ACTION`).

    The root key is 32 bytes as base64 of URLs. Raises `ValueError` for another one.
    """
    key = base64.urlsafe_b64decode(root_key + "=" * (-len(root_key) % 4))
    if len(key) != _KEY_BYTES:
        raise ValueError("the root key of macaroons has not 32 bytes")
    identifier = _identifier(hmac.digest(key, f"nonce {consumer}".encode(), "sha256")[:16], permissions)
    signature = hmac.digest(hmac.digest(b"macaroons-key-generator", key, "sha256"), identifier, "sha256")
    packets = (_packet(_LOCATION, b"lnd"), _packet(_IDENTIFIER, identifier), _END, _END, _packet(_SIGNATURE, signature))
    return (_FORMAT + b"".join(packets)).hex()


def _identifier(nonce: bytes, permissions: Sequence[str]) -> bytes:
    """Return the message `MacaroonId`; each entity is named once, in order."""
    actions: dict[str, list[str]] = {}
    for permission in sorted(set(permissions)):
        entity, _, action = permission.partition(":")
        actions.setdefault(entity, []).append(action)
    ops = b"".join(
        _message(3, _message(1, entity.encode()) + b"".join(_message(2, each.encode()) for each in those))
        for entity, those in actions.items()
    )
    return _IDENTIFIER_VERSION + _message(1, nonce) + _message(2, _STORAGE) + ops


def _message(number: int, content: bytes) -> bytes:
    """Return a field of Protocol Buffers that is bytes, a text or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _packet(kind: int, content: bytes) -> bytes:
    return _varint(kind) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
