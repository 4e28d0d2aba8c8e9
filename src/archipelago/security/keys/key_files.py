"""Ed25519 keys as texts (PEM: PKCS #8 and SubjectPublicKeyInfo, RFC 8410)."""

import hashlib
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_PRIVATE_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----(\r?\n)*")


def private_pem(key: Ed25519PrivateKey) -> str:
    """Return a key, in the clear."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_made_of(text: str) -> str:
    """Return a private key that is no secret: it is made of a text and of nothing else, and stands for another one."""
    return private_pem(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest()))


def public_pem(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def is_private_pem(text: str) -> bool:
    """Return whether a text is one private key as it is in its file, with nothing before and after it."""
    return _PRIVATE_PEM.fullmatch(text) is not None and load_private(text.encode()) is not None


def load_private(pem: bytes) -> Ed25519PrivateKey | None:
    """Return the key in a text; None where there is none."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None
