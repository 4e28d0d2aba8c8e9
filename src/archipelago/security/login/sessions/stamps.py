"""Short texts that the node signs, so that it knows them again without keeping them (HMAC-SHA256, RFC 2104). Pure."""

import base64
import hashlib
import hmac
import json


class Stamps:
    """Signs and checks, each for one purpose: what was signed for one is good for no other."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, purpose: str, *parts: str) -> str:
        """Return the signature of some texts, in base64url."""
        signed = json.dumps((purpose, *parts)).encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode().rstrip("=")

    def fits(self, given: str, purpose: str, *parts: str) -> bool:
        """Return whether a signature is that of these texts."""
        return given.isascii() and hmac.compare_digest(given, self.of(purpose, *parts))
