"""Signatures without keys: what the library takes of an instance whose every key is ours."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archipelago.security.image_verifier.keyless import any_bundle_good, check_bundle
from archipelago.security.image_verifier.signature import BadSignature, image_name
from support.mini_sigstore import MiniSigstore

WORKFLOW = "https://github.com/acme/tool/.github/workflows/release.yml"
ISSUER = "https://token.actions.githubusercontent.com"
DIGEST = f"sha256:{'ab' * 32}"
NAME = image_name(f"ghcr.io/acme/tool:1@{DIGEST}")
SIGSTORE, OTHER = MiniSigstore(), MiniSigstore()
GOOD = SIGSTORE.sign(DIGEST, f"{WORKFLOW}@refs/tags/v1", ISSUER)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the node trusts."""
    path = tmp_path_factory.mktemp("root") / "trusted_root.json"
    path.write_text(SIGSTORE.trusted_root())
    return path


def with_changes(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the good bundle, changed."""
    copy: dict[str, Any] = json.loads(json.dumps(GOOD))
    change(copy)
    return copy


def test_a_bundle_of_the_named_identity_counts_at_any_tag_and_for_a_person(root: Path) -> None:
    check_bundle(NAME, WORKFLOW, ISSUER, json.dumps(GOOD).encode(), root)
    personal = SIGSTORE.sign(DIGEST, "alice@acme.example", "https://accounts.example")
    check_bundle(NAME, "alice@acme.example", "https://accounts.example", json.dumps(personal).encode(), root)
    any_bundle_good(NAME, WORKFLOW, ISSUER, [b"junk", json.dumps(GOOD).encode()], root)


@pytest.mark.parametrize(
    "bundle",
    [
        SIGSTORE.sign(DIGEST, "https://github.com/evil/tool/.github/workflows/release.yml@refs/tags/v1", ISSUER),
        SIGSTORE.sign(DIGEST, f"{WORKFLOW}.evil@refs/tags/v1", ISSUER),
        SIGSTORE.sign(DIGEST, WORKFLOW, "https://accounts.example"),
        SIGSTORE.sign(f"sha256:{'cd' * 32}", WORKFLOW, ISSUER),
        SIGSTORE.sign(DIGEST, WORKFLOW, ISSUER, predicate="https://cyclonedx.org/bom"),
        SIGSTORE.sign(DIGEST, WORKFLOW, ISSUER, signed_later=timedelta(minutes=20)),
        SIGSTORE.sign(DIGEST, WORKFLOW, ISSUER, signed_later=timedelta(minutes=-20)),
        SIGSTORE.sign(DIGEST, WORKFLOW, ISSUER, in_log=False),
        OTHER.sign(DIGEST, WORKFLOW, ISSUER),
        MiniSigstore(SIGSTORE.authority_key, OTHER.certificate_log, SIGSTORE.transparency_log).sign(
            DIGEST, WORKFLOW, ISSUER
        ),
        MiniSigstore(SIGSTORE.authority_key, SIGSTORE.certificate_log, OTHER.transparency_log).sign(
            DIGEST, WORKFLOW, ISSUER
        ),
        with_changes(lambda one: one["dsseEnvelope"].update(payload=base64.b64encode(b"{}").decode())),
        with_changes(lambda one: one["dsseEnvelope"].update(payloadType="text/plain")),
        with_changes(lambda one: one["dsseEnvelope"].update(signatures=[])),
        with_changes(lambda one: one["verificationMaterial"].update(tlogEntries=[])),
        with_changes(lambda one: one["verificationMaterial"]["tlogEntries"][0].pop("inclusionProof")),
        with_changes(lambda one: one["verificationMaterial"]["tlogEntries"][0].pop("inclusionPromise")),
        with_changes(lambda one: one.update(mediaType="x")),
        {},
        [],
    ],
    ids=range(20),
)
def test_everything_else_is_refused(bundle: object, root: Path) -> None:
    with pytest.raises(BadSignature):
        check_bundle(NAME, WORKFLOW, ISSUER, json.dumps(bundle).encode(), root)


def test_the_root_of_sigstore_dev_is_there_and_trusts_nothing_of_ours() -> None:
    with pytest.raises(BadSignature) as caught:
        check_bundle(NAME, WORKFLOW, ISSUER, json.dumps(GOOD).encode(), None)
    assert "chain" in str(caught.value)
    with pytest.raises(BadSignature):
        any_bundle_good(NAME, WORKFLOW, ISSUER, [], None)
