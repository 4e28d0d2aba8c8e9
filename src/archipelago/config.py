"""Where the node keeps its things and where it listens: from the environment and the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError

DEFAULT_PORT = 8480
DEFAULT_ROOT = "/var/lib/archipelago"
DEFAULT_RUNTIME = "/run/archipelago"


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
    cgroup: str = ""
    """Control group for containers (`ARCHIPELAGO_CGROUP`); empty where nothing is delegated."""

    @property
    def socket(self) -> Path:
        """The node's own unix socket, mode 0600."""
        return self.runtime / "archipelago.sock"

    @property
    def podman_socket(self) -> Path:
        """Where Podman's API service listens."""
        return self.runtime / "podman.sock"

    @property
    def database(self) -> Path:
        """The state database."""
        return self.root / "state.db"


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
        cgroup=environment.get("ARCHIPELAGO_CGROUP", ""),
    )


def system_config() -> NodeConfig:
    """Return the settings of this process."""
    return read_config(os.environ, Path(__file__).resolve().parents[2])
