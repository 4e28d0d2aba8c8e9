"""Serves what devices need to trust the node, to anybody: there is no secret in it."""

from aiohttp import web

from archipelago.api.services.node import TrustService
from archipelago.api.services.registry import Services
from archipelago.network.trust.choice import chosen


class PublicFiles:
    """Answers for the guide about the node's certificate, and for the files that it offers."""

    def __init__(self, services: Services) -> None:
        self._trust = services.of(TrustService)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET."""
        files = await self._trust.public_files()
        found = chosen(files, request.path, request.headers.get("Accept-Language", ""))
        if found is None:
            raise web.HTTPNotFound
        host = request.url.host or ""
        headers = {"Content-Type": found.kind, "Content-Security-Policy": found.policy.replace("{host}", host)}
        if found.language:
            headers["Vary"] = "Accept-Language"
        return web.Response(body=found.body, headers=headers)
