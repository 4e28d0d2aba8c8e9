"""What every HTTP request passes: access checks on the way in, security headers on the way out, errors as JSON."""

from collections.abc import Awaitable, Callable, Set

from aiohttp import hdrs, web

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import LOOPBACK_NAMES, Caller, Gate, check_host, check_origin
from archipelago.rpc.errors import INVALID_REQUEST, RpcError
from archipelago.rpc.protocol import encode, failure
from archipelago.rpc.refusals import Kind, Refusals
from archipelago.rpc.server.conversation import recognise
from archipelago.security.audit.chain import NOBODY
from archipelago.support.texts.text import msg

MAX_BODY = 1 << 20
"""Largest request body, in bytes."""
MAX_UNKNOWN_BODY = 64 << 10
"""Largest body of a request from somebody who is not logged in, in bytes."""

_PATH_NOTED = 60

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CALLER = web.RequestKey("caller", Caller)
PAGE = "page"
"""Name of the route of the page's own files."""

_STATUS = {
    ErrorCode.UNKNOWN_APP: 404,
    ErrorCode.NOT_INSTALLED: 404,
    ErrorCode.UNKNOWN_CONTAINER: 404,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.LOGIN_NEEDED: 401,
    ErrorCode.TOO_MANY: 429,
    ErrorCode.SHUTTING_DOWN: 503,
    ErrorCode.INTERNAL: 500,
}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers put pages of one host into one process, whatever their ports, unless they are asked not to.
    "Origin-Agent-Cluster": "?1",
    "Cache-Control": "no-store",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Finds out who sends a request, and refuses what a page elsewhere made a browser send."""

    def __init__(self, gate: Gate, refusals: Refusals) -> None:
        self._refusals = refusals
        self._gate = gate
        self.names: Set[str] = LOOPBACK_NAMES
        """By which this node is called."""
        self.onion_names: Set[str] = frozenset()
        """By which it is called through Tor."""

    async def _note(self, request: web.Request, error: NodeError) -> None:
        """Write down who was kept out before it was looked at what he wants."""
        caller = request.get(CALLER)
        who, origin = (caller.name, caller.origin) if caller is not None else (NOBODY, str(request.remote or ""))
        detail = f"{request.method} {request.path[:_PATH_NOTED]}: {error.code}"
        await self._refusals.note(who, origin, "http-request", detail, Kind.HTTP)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on, or refuse it."""
        try:
            # First: what a page elsewhere has a browser send must not be counted against the owner's address.
            check_host(request, self.names | self.onion_names)
            check_origin(request)
            # Files of the page are in memory, and cost no more than a refusal.
            is_page = request.match_info.route.name == PAGE
            request[CALLER] = caller = self._gate.identify(request, counted=not is_page)
            recognise(request, caller.name if caller.visitor is not None else "")
            return await handler(request)
        except NodeError as error:
            await self._note(request, error)
            response = refusal(_STATUS.get(error.code, 409), error)
            if error.code is ErrorCode.TOO_MANY:
                response.force_close()  # its place is for those who ask less
            return response
        except web.HTTPException as error:
            reason = RpcError(INVALID_REQUEST, error.reason.lower())
            return refusal(error.status, reason, allow=error.headers.get("Allow"))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers, to streams and WebSockets too."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "archipelago"
    response.headers.setdefault("Content-Security-Policy", _POLICY)


async def expect_continue(request: web.Request) -> web.StreamResponse | None:
    """Answer a client that waits for leave to send its body."""
    length = request.content_length
    if length is not None and length > MAX_BODY:
        return too_large()
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return None


def refusal(status: int, error: RpcError | NodeError, *, allow: str | None = None) -> web.Response:
    """Return an HTTP error with a JSON-RPC error in its body."""
    response = web.Response(status=status, body=encode(failure(None, error)), content_type="application/json")
    if allow is not None:
        response.headers["Allow"] = allow
    return response


def too_large(most: int = MAX_BODY) -> web.Response:
    """Return the refusal of a body that is too large, after which the connection closes."""
    error = RpcError(
        INVALID_REQUEST, msg("a request has at most {most} bytes", most=most), hint=msg("send a smaller request")
    )
    response = refusal(413, error)
    response.force_close()
    return response
