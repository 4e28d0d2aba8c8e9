"""Where the node keeps its things and where it listens: from the environment and the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.sessions.ledger import Lifetimes
from archipelago.storage.layout import DEFAULT_ROOT, DEFAULT_RUNTIME, Layout
from archipelago.support.texts.text import msg

DEFAULT_PORT = 8480
DEFAULT_HTTP_PORT = 8481
DEFAULT_HTTPS_PORT = 8443
_PORTS = {
    "ARCHIPELAGO_PORT": DEFAULT_PORT,
    "ARCHIPELAGO_HTTP_PORT": DEFAULT_HTTP_PORT,
    "ARCHIPELAGO_HTTPS_PORT": DEFAULT_HTTPS_PORT,
}
_LARGEST_UID = 2**32 - 2
DEFAULT_UI = "/opt/archipelago/ui"
SOAK = 10.0
_LONGEST_SOAK = 3600


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
    http_port: int = DEFAULT_HTTP_PORT
    """Port at which browsers on this host find the pages of apps, by their names (`ARCHIPELAGO_HTTP_PORT`)."""
    https_port: int = DEFAULT_HTTPS_PORT
    """The same with TLS, also on the local network (`ARCHIPELAGO_HTTPS_PORT`)."""
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
    soak: float = SOAK
    """Seconds for which a new version of an app must run without a crash before it counts (`ARCHIPELAGO_SOAK`)."""
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
    ports = {name: _port(environment, name, usual) for name, usual in _PORTS.items()}
    if len(set(ports.values())) < len(ports):
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            msg("{ports} must be different ports", ports=", ".join(ports)),
            hint=msg("leave them out for {usual}", usual=", ".join(map(str, _PORTS.values()))),
        )
    return NodeConfig(
        root=Path(environment.get("ARCHIPELAGO_ROOT", DEFAULT_ROOT)),
        runtime=Path(environment.get("ARCHIPELAGO_RUNTIME", DEFAULT_RUNTIME)),
        apps=Path(environment.get("ARCHIPELAGO_APPS", str(checkout / "apps"))),
        port=ports["ARCHIPELAGO_PORT"],
        http_port=ports["ARCHIPELAGO_HTTP_PORT"],
        https_port=ports["ARCHIPELAGO_HTTPS_PORT"],
        owners=_owners(environment.get("ARCHIPELAGO_OWNERS", "")),
        sessions=_sessions(environment),
        passphrase_file=Path(file) if (file := environment.get("ARCHIPELAGO_PASSPHRASE_FILE")) else None,
        trusted_root=Path(file) if (file := environment.get("ARCHIPELAGO_TRUSTED_ROOT")) else None,
        ui=Path(environment.get("ARCHIPELAGO_UI", DEFAULT_UI)),
        power=environment.get("ARCHIPELAGO_POWER") == "1",
        soak=_soak(environment.get("ARCHIPELAGO_SOAK", f"{SOAK:.0f}")),
        cgroup=environment.get("ARCHIPELAGO_CGROUP", ""),
    )


def _port(environment: Mapping[str, str], name: str, usual: int) -> int:
    port = _whole(environment.get(name, str(usual)), 1, 65535)
    if port is None:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            msg("{name} is not a port number", name=name),
            hint=msg("set it to a number from 1 to 65535, or leave it out for {port}", port=usual),
        )
    return port


def _owners(text: str) -> frozenset[int]:
    found = [_whole(word, 0, _LARGEST_UID) for word in text.replace(",", " ").split()]
    if None in found:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            msg("ARCHIPELAGO_OWNERS contains something that is not a user id"),
            hint=msg("set it to the numbers of users of this host, with commas between them"),
        )
    return frozenset(each for each in found if each is not None)


def _soak(text: str) -> float:
    found = _whole(text, 0, _LONGEST_SOAK)
    if found is None:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            msg("ARCHIPELAGO_SOAK is not a number of seconds"),
            hint=msg("set it to seconds, from 0 to {longest}", longest=_LONGEST_SOAK),
        )
    return float(found)


def _sessions(environment: Mapping[str, str]) -> Lifetimes:
    text = environment.get("ARCHIPELAGO_SESSION_IDLE")
    if text is None:
        return Lifetimes()
    idle = _whole(text, 1, int(Lifetimes().absolute))
    if idle is None:
        raise NodeError(
            ErrorCode.INVALID_OPTION,
            msg("ARCHIPELAGO_SESSION_IDLE is not a number of seconds"),
            hint=msg("set it to seconds, from 1 to {longest}", longest=f"{Lifetimes().absolute:.0f}"),
        )
    return Lifetimes(idle=float(idle))


def _whole(text: str, least: int, most: int) -> int | None:
    """Return a whole number within limits; None for anything else. It is not quoted: it may be there by mistake."""
    # Length first: Python refuses to read numbers of thousands of digits.
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or not least <= int(text) <= most:
        return None
    return int(text)


def system_config() -> NodeConfig:
    """Return the settings of this process."""
    return read_config(os.environ, Path(__file__).resolve().parents[2])
