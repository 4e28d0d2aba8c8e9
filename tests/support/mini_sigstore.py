"""A Sigstore instance in memory: certificate authority, certificate log, transparency log; real keys and proofs.

It makes what Fulcio, a CT log (RFC 6962) and Rekor would: a trusted root and bundles of signed statements.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
STATEMENT = "application/vnd.in-toto+json"
ABOUT_IMAGES = "https://sigstore.dev/cosign/sign/v1"


def _key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def _der(key: EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass
class MiniSigstore:
    """One instance."""

    authority_key: EllipticCurvePrivateKey = field(default_factory=_key)
    certificate_log: EllipticCurvePrivateKey = field(default_factory=_key)
    transparency_log: EllipticCurvePrivateKey = field(default_factory=_key)

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "mini"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "t")]
        )
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.authority_key.public_key())
        self.authority = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.authority_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.authority_key, SHA256())
        )

    def trusted_root(self) -> str:
        """Return what a client trusts, as JSON."""
        since = {"start": (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}

        def log(key: EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
            public = {"rawBytes": _b64(_der(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since}
            identity = {"keyId": _b64(hashlib.sha256(_der(key)).digest())}
            return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": identity}

        chain = {"certificates": [{"rawBytes": _b64(self.authority.public_bytes(Encoding.DER))}]}
        authority = {"subject": {"organization": "t", "commonName": "mini"}, "uri": "https://ca.example"}
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.transparency_log, "https://log.example")],
                "certificateAuthorities": [{**authority, "certChain": chain, "validFor": since}],
                "ctlogs": [log(self.certificate_log, "https://ct.example")],
                "timestampAuthorities": [],
            }
        )

    def sign(
        self,
        digest: str,
        identity: str,
        issuer: str,
        *,
        predicate: str = ABOUT_IMAGES,
        signed_later: timedelta = timedelta(0),
        in_log: bool = True,
    ) -> dict[str, Any]:
        """Return the bundle of a statement about an image."""
        key = _key()
        certificate = self._certificate(key, identity, issuer)
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": predicate,
            "predicate": {},
        }
        payload = json.dumps(statement).encode()
        signature = key.sign(_pae(payload), ECDSA(SHA256()))
        body = self._body(payload, signature, certificate)
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [self._entry(body, datetime.now(UTC) + signed_later, in_log=in_log)],
            },
            "dsseEnvelope": {
                "payload": _b64(payload),
                "payloadType": STATEMENT,
                "signatures": [{"sig": _b64(signature)}],
            },
        }

    def _certificate(self, key: EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        now = datetime.now(UTC)
        kind = x509.RFC822Name if "://" not in identity else x509.UniformResourceIdentifier
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(minutes=5))
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([kind(identity)]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key()), critical=False
            )
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), critical=False)
        )
        # The log signs the certificate as it is without the log's own signature (RFC 6962, 3.2).
        plain = builder.sign(self.authority_key, SHA256()).tbs_certificate_bytes
        at = int(now.timestamp() * 1000).to_bytes(8, "big")
        entry = hashlib.sha256(_der(self.authority_key)).digest() + len(plain).to_bytes(3, "big") + plain
        signed = self.certificate_log.sign(b"\0\0" + at + b"\0\1" + entry + b"\0\0", ECDSA(SHA256()))
        log = hashlib.sha256(_der(self.certificate_log)).digest()
        stamp = b"\0" + log + at + b"\0\0" + b"\4\3" + len(signed).to_bytes(2, "big") + signed
        listed = len(stamp).to_bytes(2, "big") + stamp
        listed = len(listed).to_bytes(2, "big") + listed
        octets = b"\4" + (bytes([len(listed)]) if len(listed) < 128 else b"\x81" + bytes([len(listed)])) + listed
        return builder.add_extension(x509.UnrecognizedExtension(_SCT_LIST, octets), critical=False).sign(
            self.authority_key, SHA256()
        )

    def _body(self, payload: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
        pem = certificate.public_bytes(Encoding.PEM)
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": _b64(signature), "verifier": _b64(pem)}],
        }
        return _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})

    def _entry(self, body: bytes, at: datetime, *, in_log: bool) -> dict[str, Any]:
        log = hashlib.sha256(_der(self.transparency_log)).digest()
        promise = {"body": _b64(body), "integratedTime": int(at.timestamp()), "logID": log.hex(), "logIndex": 1}
        # A tree of two leaves, of which ours is the second.
        neighbour = hashlib.sha256(b"\0" + os.urandom(8)).digest()
        leaf = hashlib.sha256(b"\0" + (body if in_log else b"another entry")).digest()
        root = hashlib.sha256(b"\1" + neighbour + leaf).digest()
        note = f"log.example - 1\n2\n{_b64(root)}\n"
        signed = log[:4] + self.transparency_log.sign(note.encode(), ECDSA(SHA256()))
        return {
            "logIndex": "1",
            "logId": {"keyId": _b64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(promise["integratedTime"]),
            "inclusionPromise": {
                "signedEntryTimestamp": _b64(self.transparency_log.sign(_canonical(promise), ECDSA(SHA256())))
            },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _b64(root),
                "treeSize": "2",
                "hashes": [_b64(neighbour)],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.example {_b64(signed)}\n"},
            },
            "canonicalizedBody": _b64(body),
        }


def _pae(payload: bytes) -> bytes:
    """Return what DSSE signs."""
    return b"DSSEv1 %d %b %d %b" % (len(STATEMENT), STATEMENT.encode(), len(payload), payload)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
