"""Keys at rest without encryption, for tests of certificates and logins."""

from datetime import UTC, datetime

NOW = datetime.now(UTC)


class Sealed:
    """Stands for the node's key: what is sealed can be told from what is not."""

    def seal(self, text: str) -> bytes:
        return text[::-1].encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()[::-1]
