"""Parts of the manifest about ports that people or other machines reach."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Name, Port, ShortText


class EndpointKind(StrEnum):
    """What an endpoint is for."""

    UI = "ui"
    API = "api"
    P2P = "p2p"


class Protocol(StrEnum):
    """Protocol that an endpoint speaks."""

    HTTP = "http"
    TCP = "tcp"


class Scheme(StrEnum):
    """How the address of an endpoint starts; from the local network it is the one with TLS."""

    HTTP = "http"
    """`http://` on the node itself, `https://` from the local network."""
    WS = "ws"
    """`ws://` and `wss://`: WebSockets, such as those of a Nostr relay."""
    TCP = "tcp"
    """`tcp://` and `ssl://`: what Electrum wallets read."""


class EndpointLogin(StrEnum):
    """Whether an endpoint has a login of its own."""

    OWN = "own"
    """The app asks for a login before it shows or does anything."""
    NONE = "none"
    """No login: whoever reaches the port is let in. Browsers get to a page only through the node's login."""


class Access(StrEnum):
    """Who may reach an endpoint."""

    HOST = "host"
    """The node itself (loopback)."""
    LAN = "lan"
    """Machines of the local network."""
    TOR = "tor"
    """Who has its client key or its address, through Tor, once the owner switches that on."""
    INTERNET = "internet"
    """Anybody."""


class Endpoint(Part):
    """A port that people or other machines reach."""

    kind: EndpointKind
    """Whether people (`ui`), programs (`api`) or peers (`p2p`) use it."""
    protocol: Protocol = Protocol.TCP
    """Protocol that it speaks."""
    scheme: Scheme | None = None
    """How its address starts; `http` for that protocol. Without a scheme it is `host:port`, and gets no TLS."""
    login: EndpointLogin = EndpointLogin.NONE
    """Whether the app asks for a login. A page (`ui`) with `none` is behind the node's login."""
    container: Name
    """Container that serves it."""
    port: Port
    """Port inside the container."""
    host_port: Port
    """Port proposed on the host."""
    access: tuple[Access, ...] = (Access.HOST,)
    """Who may reach it until the owner decides; `lan` on the addresses that he chose, `tor` by his switch alone, and
    `internet` not yet. What is behind the node's login is opened to the local network by its owner alone."""
    label: ShortText | None = None
    """Name shown to the owner."""
    path: Annotated[str, StringConstraints(pattern=r"^/[\x21-\x7e]*$", max_length=400)] = "/"
    """Path at which a user interface starts."""
