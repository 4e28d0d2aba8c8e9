"""Ed25519 keys as texts: as the library writes and reads them."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from archipelago.security.keys.key_files import load_private, private_pem, public_pem

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


def pem(key: Ed25519PrivateKey | X25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_written_and_read_as_by_the_library(seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert private_pem(key) == pem(key)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert public_pem(key).encode() == public
    read = load_private(pem(key).encode())
    assert read is not None and read.private_bytes_raw() == seed


@pytest.mark.parametrize(
    "text",
    [
        pem(KEY).replace("\n", "\r\n"),
        f"Audit-Log: 3 abc\n{pem(KEY)}",
        pem(KEY) + pem(OTHER),
        public_pem(OTHER) + pem(KEY),
        pem(KEY).removesuffix("\n"),
        pem(KEY).replace("AAAA", "AAAA\n", 1),
    ],
    ids=[
        "other ends of lines",
        "a note",
        "another key behind it",
        "a public key before it",
        "no last end of line",
        "two lines",
    ],
)
def test_a_key_is_read_in_each_form_that_is_one(text: str) -> None:
    read = load_private(text.encode())
    assert read is not None and read.private_bytes_raw() == bytes(32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        pem(X25519PrivateKey.from_private_bytes(bytes(32))),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
        pem(KEY).replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
        pem(KEY).replace("MC4CAQAw", "MC4CAQEw"),
    ],
    ids=["nothing", "prose", "another kind", "encrypted", "another label", "another version"],
)
def test_what_is_no_such_key_is_none(text: str) -> None:
    assert load_private(text.encode()) is None
