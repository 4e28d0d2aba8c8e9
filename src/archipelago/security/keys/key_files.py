"""Ed25519 keys as texts (PEM: PKCS #8 and SubjectPublicKeyInfo, RFC 8410).

These are always the same bytes before the key, so they are written here: what reads and writes all kinds of keys takes
1 MB, and is imported for a text of another form alone.
"""

import base64
import hashlib
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PRIVATE_HEAD = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC_HEAD = bytes.fromhex("302a300506032b6570032100")
"""What precedes the 32 bytes of a key in DER (RFC 8410, 7 and 4)."""
_USUAL = re.compile(rb"-----BEGIN PRIVATE KEY-----\r?\n([A-Za-z0-9+/]{64})\r?\n-----END PRIVATE KEY-----\r?\n")
_PRIVATE_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PRIVATE KEY-----(\r?\n)*")


def private_pem(key: Ed25519PrivateKey) -> str:
    """Return a key, in the clear."""
    return _pem("PRIVATE KEY", _PRIVATE_HEAD + key.private_bytes_raw())


def key_made_of(text: str) -> str:
    """Return a private key that is no secret: it is made of a text and of nothing else, and stands for another one."""
    return private_pem(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest()))


def public_pem(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key."""
    return _pem("PUBLIC KEY", _PUBLIC_HEAD + key.public_key().public_bytes_raw())


def is_private_pem(text: str) -> bool:
    """Return whether a text is one private key as it is in its file, with nothing before and after it."""
    return _PRIVATE_PEM.fullmatch(text) is not None and load_private(text.encode()) is not None


def load_private(pem: bytes) -> Ed25519PrivateKey | None:
    """Return the key in a text; None where there is none."""
    usual = _USUAL.search(pem)
    if usual is not None and usual.start() == pem.find(b"-----"):
        encoded = base64.b64decode(usual[1])
        if encoded.startswith(_PRIVATE_HEAD):
            return Ed25519PrivateKey.from_private_bytes(encoded.removeprefix(_PRIVATE_HEAD))
    return _load_any(pem)


def _pem(label: str, encoded: bytes) -> str:
    # Both are short enough for one line.
    return f"-----BEGIN {label}-----\n{base64.b64encode(encoded).decode()}\n-----END {label}-----\n"


def _load_any(pem: bytes) -> Ed25519PrivateKey | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None
