"""A package index on loopback: the simple API in JSON (PEP 691) over real HTTP."""

import contextlib
import hashlib
import html
import json
from collections.abc import AsyncIterator, Mapping

from aiohttp import web


def sha256(content: bytes) -> str:
    """Return the hash as a requirements file has it."""
    return hashlib.sha256(content).hexdigest()


@contextlib.asynccontextmanager
async def tiny_index(projects: Mapping[str, Mapping[str, bytes]]) -> AsyncIterator[str]:
    """Yield the URL of an index that has these files of these projects; both may change meanwhile."""

    async def page(request: web.Request) -> web.Response:
        files = projects.get(request.match_info["project"])
        if files is None:
            raise web.HTTPNotFound
        base = f"http://{request.host}/files/{request.match_info['project']}/"
        if "json" not in request.headers.get("Accept", ""):
            links = [f'<a href="{base}{name}#sha256={sha256(files[name])}">{html.escape(name)}</a>' for name in files]
            return web.Response(text="".join(links), content_type="text/html")
        listed = [{"filename": name, "url": base + name, "hashes": {"sha256": sha256(files[name])}} for name in files]
        body = json.dumps({"meta": {"api-version": "1.0"}, "name": request.match_info["project"], "files": listed})
        return web.Response(text=body, content_type="application/vnd.pypi.simple.v1+json")

    async def file(request: web.Request) -> web.Response:
        return web.Response(body=projects[request.match_info["project"]][request.match_info["name"]])

    application = web.Application()
    application.router.add_get("/simple/{project}/", page)
    application.router.add_get("/files/{project}/{name}", file)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/simple/"
    finally:
        await runner.cleanup()
