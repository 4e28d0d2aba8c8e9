"""Icons and screenshots of apps: untrusted pictures, shown and never run."""

from collections.abc import Awaitable

from aiohttp import web

from archipelago.api.services.apps import CatalogService
from archipelago.api.services.registry import Services
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import require
from archipelago.rpc.server.guard import CALLER
from archipelago.storage.records.permissions import Permission

_PNG = b"\x89PNG\r\n\x1a\n"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""An SVG that is opened as a page of its own runs no script, loads nothing and is of no origin."""
_LASTING = "private, max-age=31536000, immutable"
"""Its address carries its version."""


class Icons:
    """Answers GET /icons/<app> and GET /screenshots/<app>/<name>."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Return the icon of an app, SVG or PNG; 404 where there is none."""
        require(request[CALLER], Permission.READ)
        return await _picture(self._services.of(CatalogService).icon(request.match_info["app"]))

    async def serve_screenshot(self, request: web.Request) -> web.StreamResponse:
        """Return a screenshot of an app of the catalog, a PNG; 404 where there is none."""
        require(request[CALLER], Permission.READ)
        app, name = request.match_info["app"], request.match_info["name"]
        return await _picture(self._services.of(CatalogService).screenshot(app, name))


async def _picture(asked: Awaitable[bytes | None]) -> web.Response:
    try:
        picture = await asked
    except NodeError as error:
        if error.code not in (ErrorCode.UNKNOWN_APP, ErrorCode.INVALID_MANIFEST):
            raise
        picture = None
    if picture is None:
        raise web.HTTPNotFound
    kind = "image/png" if picture.startswith(_PNG) else "image/svg+xml"
    headers = {"Content-Type": kind, "Content-Security-Policy": _POLICY, "Cache-Control": _LASTING}
    return web.Response(body=picture, headers=headers)
