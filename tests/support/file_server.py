"""A server of files that a test made, as a registry or a proxy of modules is."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer


@asynccontextmanager
async def file_server(files: Mapping[str, bytes], below: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """Serve files by their paths, below a folder such as `npm/`; yield its URL, and the paths that it is asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        content = files.get(request.path.removeprefix(f"/{below}"))
        return web.Response(status=404) if content is None else web.Response(body=content)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url(f"/{below}")), asked
