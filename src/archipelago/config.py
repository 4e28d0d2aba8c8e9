"""Where the node keeps its things and where it listens: from the environment and the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.ledger import Lifetimes
from archipelago.storage.layout import Layout

DEFAULT_PORT = 8480
DEFAULT_ROOT = "/var/lib/archipelago"
DEFAULT_RUNTIME = "/run/archipelago"
DEFAULT_UI = "/opt/archipelago/ui"


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Settings of one node."""

    root: Path
    """Data that outlives a restart (`ARCHIPELAGO_ROOT`)."""
    runtime: Path
    """Files in memory: sockets and rendered configuration (`ARCHIPELAGO_RUNTIME`)."""
    apps: Path
    """Folder of the catalog (`ARCHIPELAGO_APPS`)."""
    port: int
    """Port on loopback (`ARCHIPELAGO_PORT`)."""
    owners: frozenset[int] = frozenset()
    """Users of this host who own the node beside root and the node's own user (`ARCHIPELAGO_OWNERS`)."""
    sessions: Lifetimes = field(default_factory=Lifetimes)
    """How long a login lasts (`ARCHIPELAGO_SESSION_IDLE`, seconds)."""
    passphrase_file: Path | None = None
    """File of mode 0600 whose passphrase unlocks the node's key at a start (`ARCHIPELAGO_PASSPHRASE_FILE`)."""
    trusted_root: Path | None = None
    """Trusted root of a Sigstore instance of one's own, for keyless signatures (`ARCHIPELAGO_TRUSTED_ROOT`)."""
    ui: Path = Path(DEFAULT_UI)
    """Folder of the built page (`ARCHIPELAGO_UI`)."""
    power: bool = False
    """Whether whoever started the node turns the machine off where the node asks for it (`ARCHIPELAGO_POWER`)."""
    cgroup: str = ""
    """Control group for containers (`ARCHIPELAGO_CGROUP`); empty where nothing is delegated."""

    @property
    def layout(self) -> Layout:
        """Where the node keeps its things."""
        return Layout(self.root, self.runtime)

    @property
    def socket(self) -> Path:
        """The node's own unix socket, on which anybody of this host may call."""
        return self.layout.socket

    @property
    def podman_socket(self) -> Path:
        """Where Podman's API service listens."""
        return self.layout.podman_socket

    @property
    def database(self) -> Path:
        """The state database."""
        return self.layout.database


def read_config(environment: Mapping[str, str], checkout: Path) -> NodeConfig:
    """Return the settings; raises `NodeError` on a value that makes no sense."""
    text = environment.get("ARCHIPELAGO_PORT", str(DEFAULT_PORT))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            f"ARCHIPELAGO_PORT is {text!r}, which is no port",
            hint="set it to a number from 1 to 65535, or leave it out for 8480",
        )
    return NodeConfig(
        root=Path(environment.get("ARCHIPELAGO_ROOT", DEFAULT_ROOT)),
        runtime=Path(environment.get("ARCHIPELAGO_RUNTIME", DEFAULT_RUNTIME)),
        apps=Path(environment.get("ARCHIPELAGO_APPS", str(checkout / "apps"))),
        port=int(text),
        owners=_owners(environment.get("ARCHIPELAGO_OWNERS", "")),
        sessions=_sessions(environment),
        passphrase_file=Path(file) if (file := environment.get("ARCHIPELAGO_PASSPHRASE_FILE")) else None,
        trusted_root=Path(file) if (file := environment.get("ARCHIPELAGO_TRUSTED_ROOT")) else None,
        ui=Path(environment.get("ARCHIPELAGO_UI", DEFAULT_UI)),
        power=environment.get("ARCHIPELAGO_POWER") == "1",
        cgroup=environment.get("ARCHIPELAGO_CGROUP", ""),
    )


def _owners(text: str) -> frozenset[int]:
    words = text.replace(",", " ").split()
    if not all(word.isascii() and word.isdigit() for word in words):
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            f"ARCHIPELAGO_OWNERS is {text!r}",
            hint="set it to the numbers of users of this host, with commas between them",
        )
    return frozenset(map(int, words))


def _sessions(environment: Mapping[str, str]) -> Lifetimes:
    text = environment.get("ARCHIPELAGO_SESSION_IDLE")
    if text is None:
        return Lifetimes()
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= Lifetimes().absolute:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            f"ARCHIPELAGO_SESSION_IDLE is {text!r}",
            hint=f"set it to seconds, from 1 to {Lifetimes().absolute:.0f}",
        )
    return Lifetimes(idle=float(text))


def system_config() -> NodeConfig:
    """Return the settings of this process."""
    return read_config(os.environ, Path(__file__).resolve().parents[2])
