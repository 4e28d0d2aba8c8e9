"""A sealer that needs no key."""


class Paper:
    """Seals by turning a text round."""

    def seal(self, text: str) -> bytes:
        """Return the text the other way round."""
        return text[::-1].encode()

    def unseal(self, sealed: bytes) -> str:
        """Return what `seal` got."""
        return sealed.decode()[::-1]
