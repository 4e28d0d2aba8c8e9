"""Who calls, and what they may do: the node's own socket is the owner's, all others show a session or a token."""

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from archipelago.errors import ErrorCode, NodeError
from archipelago.network.app_entry import ENTRANCE, PAGE_DESTINATIONS
from archipelago.rpc.server.listening import peer_uid
from archipelago.security.audit.chain import NOBODY
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.guessing.backoff import network_of
from archipelago.security.login.guessing.marks import Device
from archipelago.security.login.guessing.rate_limit import Rate, RateLimit
from archipelago.security.login.login import Login, Visitor
from archipelago.security.login.sessions.secrets import SESSION_PREFIX
from archipelago.storage.records.logins import TOKEN_PREFIX
from archipelago.storage.records.permissions import ANYBODY, Permission
from archipelago.support.texts.text import msg

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
WEBSOCKET_PROTOCOL = "archipelago"
"""Subprotocol of the node's WebSockets (RFC 6455, 1.9)."""
CONFIRMATION = "Archipelago-Confirmation"
"""Header with what `login-confirm` returned, for methods that ask for it."""
DEVICE = "Archipelago-Device"
"""Header with the mark of a device that logged in before: whatever unknown clients do, it has a lane of its own."""
_UNKNOWN = Rate(10.0, 100)
_KNOWN = Rate(100.0, 1000)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls, and what they may do."""

    name: str
    permissions: frozenset[Permission]
    origin: str
    """Where the call comes from, for the audit log."""
    agent: str = ""
    session: str = ""
    """Key of the session or token, where the caller has one."""
    site: str = ""
    """Origin of the node's page as the caller called it, such as `https://island.local:8480`; checked by the guard."""
    trusted: bool = False
    """Whether the kernel says that it is the owner: such a caller needs no password."""
    device: Device | None = None
    """From which the call comes, where it has logged in before."""
    confirmation: str = ""
    """What should prove that whoever is logged in has shown his password just now."""

    @property
    def source(self) -> Source:
        """Where the call comes from, for who counts attempts."""
        return Source(self.origin, self.agent, self.session, self.device, self.trusted)

    @property
    def visitor(self) -> Visitor | None:
        """The caller as the login knows him; None for an unknown client."""
        return None if self.permissions <= ANYBODY else Visitor(self.name, self.permissions, self.session)


def require(caller: Caller, permission: Permission) -> None:
    """Raise `NodeError` unless a caller has a permission."""
    if permission in caller.permissions:
        return
    data = {"permission": permission.value}
    if caller.visitor is None:
        hint = msg("with the method login, or send a token; on the node itself use its own socket")
        raise NodeError(ErrorCode.LOGIN_NEEDED, msg("log in first"), hint=hint, data=data)
    raise NodeError(
        ErrorCode.FORBIDDEN,
        msg("you lack the permission '{permission}'", permission=permission),
        hint=msg("ask the owner of the node"),
        data=data,
    )


def require_alive(login: Login, caller: Caller) -> None:
    """Raise `NodeError` where the session or token by which somebody called is good no longer."""
    if caller.session and not login.is_alive(caller.session):
        raise NodeError(ErrorCode.LOGIN_NEEDED, msg("the session has ended"), hint=msg("log in again"))


async def until_logged_out(login: Login, caller: Caller) -> None:
    """Return when the session or token by which somebody called has ended; never for the owner on his own socket."""
    if not caller.session:
        await asyncio.Event().wait()
    await login.until_ended(caller.session)


def require_confirmation(login: Login, caller: Caller) -> None:
    """Raise `NodeError` unless a caller is the owner on his own socket, or has shown his password just now."""
    if caller.trusted:
        return
    if not login.is_session(caller.session):
        raise NodeError(
            ErrorCode.FORBIDDEN, msg("no token may do this"), hint=msg("log in, or call on the node's own socket")
        )
    if not login.accounts.is_confirmed(caller.session, caller.confirmation):
        raise NodeError(
            ErrorCode.CONFIRM,
            msg("show your password once more"),
            hint=msg(
                "call login-confirm, and send what it returns as the header {confirmation}", confirmation=CONFIRMATION
            ),
        )


class Gate:
    """Finds out who sent a request. `owners` are the users of this host who are the owner; `now` is a steady clock."""

    def __init__(self, login: Login, owners: Collection[int], now: Callable[[], float]) -> None:
        self._login = login
        self._owners = frozenset(owners)
        self._now = now
        self._rates = RateLimit()

    def identify(self, request: web.Request, *, counted: bool) -> Caller:
        """Return who sent a request; raises `NodeError` for another user of this host.

        Where it is counted, so is who calls too often: everybody for himself, and of unknown clients each network.
        """
        transport = request.transport
        connection = transport.get_extra_info("socket") if transport is not None else None
        if connection is not None and connection.family == socket.AF_UNIX:
            uid = peer_uid(connection)
            if uid not in self._owners:
                raise NodeError(
                    ErrorCode.FORBIDDEN,
                    msg("user {uid} of this host does not own the node", uid=uid),
                    hint=msg("log in over HTTP, or use sudo"),
                )
            return Caller("owner", frozenset(Permission), f"unix socket, uid {uid}", trusted=True)
        peer = transport.get_extra_info("peername") if transport is not None else None
        origin = str(peer[0]) if isinstance(peer, tuple) else "nowhere"
        visitor = self._visitor(request)
        device = self._login.by_mark(request.headers.get(DEVICE, ""))
        if visitor is not None:
            who, rate = f"{visitor.name} {visitor.session}", _KNOWN
        else:
            who, rate = (f"device {device.id}" if device else f"from {network_of(origin)}"), _UNKNOWN
        if counted and (wait := self._rates.take(who, rate, self._now())) > 0:
            raise NodeError(
                ErrorCode.TOO_MANY,
                msg("too many requests"),
                hint=msg("ask less often"),
                data={"retry_after": round(wait, 2)},
            )
        agent = request.headers.get("User-Agent", "")[:200]
        if visitor is None:
            return Caller(NOBODY, ANYBODY, origin, agent, site=site_of(request), device=device)
        return Caller(
            visitor.name,
            visitor.permissions,
            origin,
            agent,
            visitor.session,
            site_of(request),
            device=device,
            confirmation=request.headers.get(CONFIRMATION, ""),
        )

    def _visitor(self, request: web.Request) -> Visitor | None:
        """Return who has shown who he is.

        Nothing counts that a browser sends unasked: cookies are for a host, and apps live at its other ports.
        """
        authorizations = request.headers.getall("Authorization", [])
        if not authorizations:
            secret = _offered_secret(request)
            return self._login.by_session(secret) if secret else None
        scheme, _, secret = authorizations[0].partition(" ")
        if len(authorizations) > 1 or scheme.lower() != "bearer":
            return None
        if secret.startswith(SESSION_PREFIX):
            return self._login.by_session(secret)
        return self._login.by_token(secret) if secret.startswith(TOKEN_PREFIX) else None


def _offered_secret(request: web.Request) -> str:
    """Return the session's secret among the subprotocols of a WebSocket, for which a page can set no other header."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return ""
    offered = [
        each.strip() for line in request.headers.getall("Sec-WebSocket-Protocol", []) for each in line.split(",")
    ]
    # One subprotocol is agreed upon in clear: it must never be the secret.
    secrets = [each for each in offered if each != WEBSOCKET_PROTOCOL]
    agreed = WEBSOCKET_PROTOCOL in offered and len(secrets) == 1
    return secrets[0] if agreed and secrets[0].startswith(SESSION_PREFIX) else ""


def check_host(request: web.Request, names: Collection[str]) -> None:
    """Refuse a name that is not this host's own: a page elsewhere may have pointed its name here (DNS rebinding)."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or _host_name(hosts[0]) not in names:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg("the Host header does not name this host"),
            hint=msg("use http://127.0.0.1 or localhost"),
        )


def site_of(request: web.Request) -> str:
    """Return the origin (RFC 6454) of the node's page, by the name that a request calls.

    The port is the one that the request came in by, whatever it says: a program may name that of an app, whose page
    would then count as the node's own.
    """
    scheme, default = ("https", 443) if request.secure else ("http", 80)
    own = request.transport.get_extra_info("sockname") if request.transport is not None else None
    name = _host_name(request.headers.get("Host", "")) or ""
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}" if not isinstance(own, tuple) or own[1] == default else f"{scheme}://{host}:{own[1]}"


def _called_site(request: web.Request) -> str:
    """Return the origin under which a browser sees the node; not the node's own where a tunnel leads here."""
    return f"{'https' if request.secure else 'http'}://{request.headers.get('Host', '')}"


def check_origin(request: web.Request) -> None:
    """Refuse a request that a web page of another origin has a browser send (CSRF)."""
    origins = request.headers.getall("Origin", [])
    sent_elsewhere = _is_cross_site(request.headers) and not _shows_entrance(request)
    if any(origin != _called_site(request) for origin in origins) or sent_elsewhere:
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg("a page of another origin may not call the node"),
            hint=msg("open the node's own page"),
        )


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    return headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def _shows_entrance(request: web.Request) -> bool:
    """Return whether a browser is about to show the page to which that of an app sends whoever is to log in.

    What it shows is the same for everybody, and what it then asks for is asked by the node's own page.
    """
    told = request.headers
    shown = told.get("Sec-Fetch-Mode") == "navigate" and told.get("Sec-Fetch-Dest") in PAGE_DESTINATIONS
    return request.method == "GET" and request.path == ENTRANCE and shown


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises on a port that is none
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host and not parts.path else None
