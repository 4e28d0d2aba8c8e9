"""The files of the node's certificates, in the folder that the layout names. Pure."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFolder:
    """The node's certificates, each with its key."""

    path: Path

    @property
    def authority(self) -> tuple[Path, Path]:
        """The authority's certificate and its key; the latter is an age file."""
        return self.path / "authority.crt", self.path / "authority.key.age"

    @property
    def former(self) -> Path:
        """The authority's certificate before this one, which devices may still trust."""
        return self.path / "authority-former.crt"

    @property
    def node(self) -> tuple[Path, Path]:
        """The certificate that the authority issued for the node's own page, and its key."""
        return self.path / "node.crt", self.path / "node.key"

    @property
    def lasting(self) -> tuple[Path, Path]:
        """The certificate that wallets remember, and its key."""
        return self.path / "lasting.crt", self.path / "lasting.key"
