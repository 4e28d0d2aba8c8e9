"""Values that cannot be printed."""

import hmac
import re
from typing import Any, NoReturn

FINGERPRINT = re.compile(r"[0-9a-f]{16}")
"""What stands for a secret in a hash."""
_HIDDEN = "***"


class Secret:
    """Holds a secret text; every accidental way of showing it gives `***`.

    `fingerprint` is a random id of this very revision: it changes when the secret is rotated and reveals nothing of it.
    `confirmed` says whether its owner has shown that he has it on paper.
    """

    __slots__ = ("__value", "confirmed", "fingerprint")

    def __init__(self, value: str, fingerprint: str, *, confirmed: bool = False) -> None:
        self.__value = value
        self.fingerprint = fingerprint
        self.confirmed = confirmed

    def reveal(self) -> str:
        """Return the value, for the one place that needs it."""
        return self.__value

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_encode(self.__value), _encode(other.__value))

    def __hash__(self) -> int:
        # Equal values must have equal hashes, whatever their fingerprints; a hash of the value would leak.
        return hash(Secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


class SecretBytes:
    """Holds the content of a file that may have secrets in it; it cannot be printed either."""

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = value

    def reveal(self) -> bytes:
        """Return the content."""
        return self.__value

    def __repr__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self.__value, other.__value)

    def __hash__(self) -> int:
        return hash(SecretBytes)

    def __reduce__(self) -> Any:
        raise TypeError("a secret cannot be pickled or copied")


def _encode(value: str) -> bytes:
    # A text from outside may hold surrogates, which strict UTF-8 refuses.
    return value.encode("utf-8", "surrogatepass")
