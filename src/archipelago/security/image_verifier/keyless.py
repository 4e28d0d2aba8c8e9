"""Signatures without a key of the signer's own: a short-lived certificate over an identity, and a transparency log.

What is checked stands in one Sigstore bundle (version 0.3) and in the trusted root, so nobody is asked: the chain of
the certificate and its entry in a certificate log, the time and inclusion proof of the entry in the transparency log,
the signature, and that the statement in it (in-toto, cosign's own kind) is about the image. Blocking.
"""

import json
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from archipelago.security.image_verifier.signature import BadSignature, ImageName
from archipelago.support.texts.text import joined, msg

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import TrustedRoot

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LARGEST_BUNDLE = 256 << 10
_STATEMENT_TYPE = "application/vnd.in-toto+json"
_ABOUT_IMAGES = "https://sigstore.dev/cosign/sign/v1"


def any_bundle_good(
    name: ImageName, identity: str, issuer: str, bundles: Iterable[bytes], trusted_root: Path | None
) -> None:
    """Raise `BadSignature` unless one of some bundles counts; without a trusted root, the one of sigstore.dev does."""
    reasons = []
    for bundle in bundles:
        try:
            check_bundle(name, identity, issuer, bundle, trusted_root)
            return
        except BadSignature as error:
            reasons.append(str(error))
    raise BadSignature(joined(list(dict.fromkeys(reasons)), "; ") or msg("it is not signed"))


def check_bundle(name: ImageName, identity: str, issuer: str, bundle: bytes, trusted_root: Path | None) -> None:
    """Raise `BadSignature` unless somebody of this identity, as the issuer knew it, signed this image."""
    # A large library, and few nodes have an app that needs it.
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import AllOf, AnyOf, OIDCIssuer, OIDCIssuerV2

    try:
        verifier = Verifier(trusted_root=_root(trusted_root))
        kind, payload = verifier.verify_dsse(
            Bundle.from_json(bundle), AllOf([AnyOf([OIDCIssuer(issuer), OIDCIssuerV2(issuer)]), _SignedBy(identity)])
        )
    except BadSignature:
        raise
    except Exception as error:  # the bytes are whatever the registry sent, and the library has no one error for them
        raise BadSignature(
            msg("its bundle does not hold: {error}", error=str(error)[:160] or type(error).__name__)
        ) from error
    if kind != _STATEMENT_TYPE:
        raise BadSignature(msg("its bundle is no statement about an image"))
    try:
        statement = json.loads(payload)
        about = {f"sha256:{subject['digest']['sha256']}" for subject in statement["subject"]}
        what = statement["predicateType"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise BadSignature(msg("its statement is not in the in-toto format")) from None
    if what != _ABOUT_IMAGES or about != {name.digest}:
        raise BadSignature(msg("its statement is about something else"))


class _SignedBy:
    """Wants an identity in the certificate: an address, or a workflow at whatever branch or tag (`…@refs/…`)."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def verify(self, cert: "Certificate") -> None:
        from cryptography.x509 import RFC822Name, SubjectAlternativeName, UniformResourceIdentifier

        names = cert.extensions.get_extension_for_class(SubjectAlternativeName).value
        found = [*names.get_values_for_type(RFC822Name), *names.get_values_for_type(UniformResourceIdentifier)]
        if not any(each == self._identity or each.startswith(f"{self._identity}@refs/") for each in found):
            raise BadSignature(msg("{found} signed it", found=", ".join(found)[:160]))


def _root(given: Path | None) -> "TrustedRoot":
    from sigstore.models import TrustedRoot

    if given is not None:
        return TrustedRoot.from_file(str(given))
    # The library brings the root of sigstore.dev along; its own way to it would ask the network.
    shipped = files("sigstore") / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev" / "trusted_root.json"
    with as_file(shipped) as path:
        return TrustedRoot.from_file(str(path))
