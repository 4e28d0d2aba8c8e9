"""Keys of onion services (version 3), and of the clients that may reach them. Pure.

https://spec.torproject.org/rend-spec. Both kinds are made from a seed of 32 random bytes, which the node keeps.
"""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

SEED_BYTES = 32
_VERSION = b"\x03"


def onion_name(seed: bytes) -> str:
    """Return the host name of the onion service whose key is made from a seed: 56 letters and digits, and `.onion`."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    checksum = hashlib.sha3_256(b".onion checksum" + public + _VERSION).digest()[:2]
    return _base32(public + checksum + _VERSION).lower() + ".onion"


def service_key(seed: bytes) -> str:
    """Return that key as ADD_ONION takes it: the expanded secret key (RFC 8032, 5.1.5) in base64."""
    expanded = bytearray(hashlib.sha512(seed).digest())
    expanded[0] &= 248
    expanded[31] &= 63
    expanded[31] |= 64
    return base64.b64encode(expanded).decode()


def client_public(seed: bytes) -> str:
    """Return the public key of clients, by which the service knows them, in base32."""
    return _base32(X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def client_key(seed: bytes) -> str:
    """Return the private key of clients in base32, as Tor Browser and Orbot ask for it."""
    return _base32(seed)


def client_line(name: str, seed: bytes) -> str:
    """Return the content of a file `*.auth_private` for the folder `ClientOnionAuthDir` of a Tor (tor(1))."""
    return f"{name.removesuffix('.onion')}:descriptor:x25519:{client_key(seed)}"


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")
