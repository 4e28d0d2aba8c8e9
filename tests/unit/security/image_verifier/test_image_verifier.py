"""Signatures of images, and whom images are taken from."""

import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import NodeError
from archipelago.security.audit.chain import AuditAction
from archipelago.security.image_verifier.policy import ANY, UNSIGNED, decide
from archipelago.security.image_verifier.registry_client import RegistryClient
from archipelago.security.image_verifier.signature import (
    BadSignature,
    ImageName,
    any_good,
    check,
    fingerprint,
    image_name,
    read_key,
)
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.storage.stores.signers import SignerStore
from support.databases import new_database

DIGEST = f"sha256:{'ab' * 32}"
NAME = image_name(f"ghcr.io/acme/tool:1@{DIGEST}")
EC, ED = generate_private_key(SECP256R1()), Ed25519PrivateKey.generate()
A, B = "a" * 64, "b" * 64


def payload(**changes: Any) -> bytes:
    critical = {
        "identity": {"docker-reference": "ghcr.io/acme/tool"},
        "image": {"docker-manifest-digest": DIGEST},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical | changes, "optional": None}).encode()


def signed(text: bytes, key: Any = EC) -> str:
    raw = key.sign(text, ECDSA(SHA256())) if key is EC else key.sign(text)
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("reference", "registry", "repository", "publisher"),
    [
        ("ghcr.io/acme/tool:1", "ghcr.io", "acme/tool", "ghcr.io/acme"),
        ("localhost:5000/tool", "localhost:5000", "tool", "localhost:5000/tool"),
        ("acme/tool", "docker.io", "acme/tool", "docker.io/acme"),
        ("busybox:1.36", "docker.io", "library/busybox", "docker.io/library"),
        ("quay.io/a/b/c", "quay.io", "a/b/c", "quay.io/a"),
    ],
)
def test_a_reference_is_taken_apart(reference: str, registry: str, repository: str, publisher: str) -> None:
    name = image_name(f"{reference}@{DIGEST}")
    assert (name.registry, name.repository, name.digest) == (registry, repository, DIGEST)
    assert name.publisher == publisher and name.signature_tag == DIGEST.replace(":", "-") + ".sig"


def test_a_good_signature_counts_for_its_image_alone() -> None:
    for key in (EC, ED):
        check(NAME, key.public_key(), payload(), signed(payload(), key))
    other = {"docker-manifest-digest": f"sha256:{'cd' * 32}"}
    for text in (
        payload(image=other),
        payload(type="something else"),
        payload(identity={"docker-reference": "ghcr.io/evil/tool"}),
        b"{}",
        b"[" * 100_000,
    ):
        with pytest.raises(BadSignature):
            check(NAME, EC.public_key(), text, signed(text))
    with pytest.raises(BadSignature, match="another key"):
        check(NAME, EC.public_key(), payload(), signed(payload(), ED))
    with pytest.raises(BadSignature, match="not signed"):
        any_good(NAME, EC.public_key(), [])
    any_good(NAME, EC.public_key(), [(b"junk", "!"), (payload(), signed(payload()))])


@given(st.binary(max_size=200), st.text(max_size=100))
def test_no_bytes_are_taken_for_a_signature(text: bytes, signature: str) -> None:
    for key in (EC.public_key(), ED.public_key()):
        with pytest.raises(BadSignature):
            check(NAME, key, text, signature)


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_a_key(text: bytes) -> None:
    with pytest.raises(BadSignature):
        read_key(text)


def test_keys_of_other_kinds_are_refused() -> None:
    pem = generate_private_key(SECP384R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadSignature):
        read_key(pem)
    good = EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert len(fingerprint(read_key(good))) == 64


@pytest.mark.parametrize(
    ("rules", "signer", "allowed", "pin"),
    [
        ({}, A, True, True),
        ({}, None, True, True),
        ({"ghcr.io/acme": A}, A, True, False),
        ({"ghcr.io/acme": A}, B, False, False),
        ({"ghcr.io/acme": A}, None, False, False),
        ({"ghcr.io/acme": UNSIGNED}, None, True, False),
        ({"ghcr.io/acme": UNSIGNED}, A, False, False),
        ({"ghcr.io/acme": ANY}, None, False, False),
        ({"ghcr.io/acme": ANY}, A, True, True),
        ({"ghcr.io": ANY}, None, False, False),
        ({"ghcr.io": ANY}, A, True, True),
        ({"ghcr.io": A}, B, False, False),
        ({"ghcr.io": A}, A, True, True),
        ({"ghcr.io": A, "ghcr.io/acme": B}, B, True, False),
        ({"ghcr.io/other": A, "quay.io": A}, B, True, True),
    ],
)
def test_what_was_seen_first_is_expected(rules: dict[str, str], signer: str | None, allowed: bool, pin: bool) -> None:
    decision = decide(rules, "ghcr.io/acme", signer)
    assert (decision.refused == "") is allowed and (decision.pin is not None) is pin
    assert allowed or "archipelago signer accept ghcr.io/acme" in decision.hint


class SlowSigner:
    """Has its signature found good, once something else has happened."""

    name = "a" * 64

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.meanwhile = meanwhile
        self.checks = 0

    async def check(self, name: ImageName, registries: RegistryClient) -> None:
        self.checks += 1
        if self.checks == 1:
            await self.meanwhile()


@pytest.mark.parametrize("decided", ["b" * 64, UNSIGNED, "a" * 64, None])
async def test_what_the_owner_decides_while_an_image_is_looked_at_holds(tmp_path: Path, decided: str | None) -> None:
    async def record(_: AuditAction) -> int:
        return 1

    database = await new_database(tmp_path / "state.db")
    try:
        store = SignerStore(database)
        verifier = ImageVerifier(RegistryClient(tmp_path), store, record)

        async def meanwhile() -> None:
            if decided is not None:
                await verifier.accept("ghcr.io/acme", decided)

        signer = SlowSigner(meanwhile)
        work = verifier.verify("app", f"ghcr.io/acme/app@{DIGEST}", signer)
        if decided in (None, signer.name):
            await work
        else:
            with pytest.raises(NodeError):
                await work
        assert [rule.signer for rule in await store.rules()] == [decided or signer.name]
        assert await store.was_verified(DIGEST, signer.name) is (decided in (None, signer.name))
    finally:
        await database.close()
