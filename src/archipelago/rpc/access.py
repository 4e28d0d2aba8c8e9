"""Who calls, and what they may do. Until the node has a login: whoever is on this host is the owner."""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.method import Permission

_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid of a peer (unix(7), SO_PEERCRED)."""
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls, and what they may do."""

    name: str
    permissions: frozenset[Permission]
    origin: str
    """Where the call comes from, for the audit log."""


def _owner(origin: str) -> Caller:
    return Caller("owner", frozenset(Permission), origin)


def identify(request: web.Request) -> Caller:
    """Return who sent a request; raises `NodeError` for everybody but the owner."""
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport is not None else None
    peer = transport.get_extra_info("peername") if transport is not None else None
    if connection is not None and connection.family == socket.AF_UNIX:
        # Only its owner may open a socket of mode 0600.
        _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        return _owner(f"unix socket, uid {uid}")
    if isinstance(peer, tuple) and _is_loopback(str(peer[0])):
        return _owner(str(peer[0]))
    raise NodeError(ErrorCode.FORBIDDEN, "the node answers to its own host alone", hint="call it from the host")


def check_host(request: web.Request) -> None:
    """Refuse a name that is not this host's own: a page elsewhere may have pointed its name here (DNS rebinding)."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or _host_name(hosts[0]) not in _LOOPBACK_NAMES:
        raise NodeError(
            ErrorCode.FORBIDDEN, "the Host header does not name this host", hint="use http://127.0.0.1 or localhost"
        )


def check_origin(request: web.Request) -> None:
    """Refuse a request that a web page of another origin has a browser send (CSRF)."""
    origins = request.headers.getall("Origin", [])
    own = f"http://{request.headers.get('Host', '')}"
    if any(origin != own for origin in origins) or _is_cross_site(request.headers):
        raise NodeError(
            ErrorCode.FORBIDDEN, "a page of another origin may not call the node", hint="open the node's own page"
        )


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    return headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises on a port that is none
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host and not parts.path else None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
