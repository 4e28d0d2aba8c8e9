"""A cosign signature of an image: what it says, and whether a key made it. Pure.

A signature is over a payload in the "simple signing" format (containers-signature(5); cosign, SIGNATURE_SPEC.md), which
names the digest of the image. It is in the registry beside the image, under a tag made of that digest.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archipelago.support.texts.text import joined, msg

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SIGNATURE_KEY = "dev.cosignproject.cosign/signature"
PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
LARGEST_PAYLOAD = 64 << 10
_TYPES = ("cosign container image signature", "atomic container signature")
PublicKey: TypeAlias = "EllipticCurvePublicKey | Ed25519PublicKey"


class BadSignature(Exception):
    """Why a signature does not count."""


@dataclass(frozen=True, slots=True)
class ImageName:
    """A reference with its digest, taken apart: `registry/repository@sha256:…`."""

    registry: str
    repository: str
    digest: str

    @property
    def publisher(self) -> str:
        """Whoever may push there: the registry and the first part of the repository, where it has several."""
        first, slash, _ = self.repository.partition("/")
        return f"{self.registry}/{first}" if slash else f"{self.registry}/{self.repository}"

    @property
    def signature_tag(self) -> str:
        """Tag under which cosign keeps the signatures."""
        return f"{self.digest.replace(':', '-')}.sig"


def image_name(reference: str) -> ImageName:
    """Take a reference of a manifest apart; a tag before the digest says nothing and is left out."""
    name, _, digest = reference.partition("@")
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name if slash else f"library/{name}"
    repository, _, _ = rest.partition(":")
    return ImageName(first, repository, digest)


def read_key(pem: bytes) -> PublicKey:
    """Read a public key of the kinds that cosign makes: ECDSA on P-256, or Ed25519. Raises `BadSignature`."""
    # Here and below: what knows all kinds of keys takes 1 MB, and few apps are signed.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError):
        key = None
    if isinstance(key, Ed25519PublicKey) or (isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1"):
        return key
    raise BadSignature(msg("the key is no public key of the kinds that cosign makes (PEM, ECDSA P-256 or Ed25519)"))


def fingerprint(key: PublicKey) -> str:
    """Return the SHA-256 of a key (DER, SubjectPublicKeyInfo), in hexadecimal."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def check(name: ImageName, key: PublicKey, payload: bytes, signature: str) -> None:
    """Raise `BadSignature` unless the key signed this payload, and the payload is about this image."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature(msg("the signature is not base64")) from None
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(raw, payload)
        else:
            key.verify(raw, payload, ECDSA(SHA256()))
    except InvalidSignature:
        raise BadSignature(msg("another key made it, or the payload was changed")) from None
    # Nothing of the payload counts before its signature does.
    try:
        critical = json.loads(payload)["critical"]
        about, kind = critical["image"]["docker-manifest-digest"], critical["type"]
        where = critical["identity"]["docker-reference"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadSignature(msg("the payload is not in the simple signing format")) from None
    if kind not in _TYPES or about != name.digest:
        raise BadSignature(msg("it is about another image, {about}", about=str(about)[:80]))
    if where and image_name(f"{where}@{name.digest}").repository != name.repository:
        raise BadSignature(msg("it is about another repository, {where}", where=str(where)[:80]))


def any_good(name: ImageName, key: PublicKey, signatures: Iterable[tuple[bytes, str]]) -> None:
    """Raise `BadSignature` unless one of some pairs of payload and signature counts."""
    reasons = []
    for payload, signature in signatures:
        try:
            check(name, key, payload, signature)
            return
        except BadSignature as error:
            reasons.append(str(error))
    raise BadSignature(joined(list(dict.fromkeys(reasons)), "; ") or msg("it is not signed"))
