"""What the node remembers of those who sign images."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignerRule:
    """Whose images are taken."""

    publisher: str
    signer: str
    since: float
    """Seconds since 1970."""
