"""A device that keeps a passkey, in software: answers as an authenticator does (WebAuthn Level 3, no attestation)."""

import base64
import hashlib
import json
import os
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class Device:
    """Keeps one passkey."""

    def __init__(self, *, verifies: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.count = 0
        self._flags = _PRESENT | (_VERIFIED if verifies else 0)

    def create(self, options: dict[str, Any], site: str) -> dict[str, Any]:
        """Answer `navigator.credentials.create` on a page of `site`."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        data = self._data(options["rp"]["id"], self._flags | _ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], site)
        return self._credential({"clientDataJSON": _b64(client), "attestationObject": _b64(statement)})

    def get(self, options: dict[str, Any], site: str) -> dict[str, Any]:
        """Answer `navigator.credentials.get` on a page of `site`."""
        self.count += 1
        data = self._data(options["rpId"], self._flags)
        client = self._client("webauthn.get", options["challenge"], site)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {"clientDataJSON": _b64(client), "authenticatorData": _b64(data), "signature": _b64(signature)}
        )

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, site: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": site}).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        return {"id": _b64(self.id), "rawId": _b64(self.id), "type": "public-key", "response": response}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
