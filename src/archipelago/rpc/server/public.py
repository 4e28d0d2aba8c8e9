"""Serves what devices need to trust the node, to anybody: there is no secret in it."""

from aiohttp import web

from archipelago.api.services.node import TrustService
from archipelago.api.services.registry import Services
from archipelago.network.trust.choice import chosen


class PublicFiles:
    """Answers for the guide about the node's certificate, and for the files that it offers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET. A node whose key is locked has none of it."""
        if TrustService not in self._services:
            raise web.HTTPNotFound
        files = await self._services.of(TrustService).public_files()
        found = chosen(files, request.path, request.headers.get("Accept-Language", ""))
        if found is None:
            raise web.HTTPNotFound
        host = request.url.host or ""
        headers = {"Content-Type": found.kind, "Content-Security-Policy": found.policy.replace("{host}", host)}
        if found.language:
            headers["Vary"] = "Accept-Language"
        return web.Response(body=found.body, headers=headers)
