"""Serves the node's own page (neode-ui): files that were built and compressed at set-up, as they are at the start.

A page that is built again meanwhile changes nothing: a browser that has the old one goes on to ask for its parts.
"""

import asyncio
import gzip
import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'{probe}; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
"""What the page may load and do: nothing from elsewhere. Styles inline are the widths of bars; what it may connect to
beside the node tells it whether the browser trusts the node's certificate."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_LARGEST = 4 << 20
_INDEX = "/index.html"
_HTML = "text/html"
"""What a browser asks for that shows a page; the page's router knows which of its addresses it is."""
_OLD_COOKIES = ("archipelago-session", "__Host-archipelago-session")
"""By which earlier versions knew who is logged in; worth nothing, and yet sent to each app of this host."""
_NOT_BUILT = "The page of this node is not built yet: run 'make setup' and start the node again.\n"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    kind: str
    etag: str
    lasting: bool
    """Whether its name changes with its content."""
    content: Mapping[str, Callable[[], bytes]]
    """What returns it, by encoding; the empty one is the file as it is, kept only where it was not compressed."""

    def read(self, encoding: str) -> bytes:
        """Return the file in an encoding that it has, or as it is; blocking."""
        if encoding in self.content:
            return self.content[encoding]()
        return gzip.decompress(self.content["gzip"]())


class AssetStore:
    """Bytes in a file without a name, which takes no memory of the node; in memory if the disk is full."""

    def __init__(self) -> None:
        self._end = 0
        self._descriptor: int | None = None
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - it is open for as long as the page is served
        except OSError:
            return
        self._descriptor = file.fileno()
        weakref.finalize(self, file.close)

    def add(self, content: bytes) -> Callable[[], bytes]:
        """Keep bytes; return what reads them again, which may block."""
        offset = self._end
        try:
            if self._descriptor is not None and os.pwrite(self._descriptor, content, offset) == len(content):
                self._end += len(content)
                return partial(self._read, offset, len(content))
        except OSError:
            pass  # as if less had been written
        return lambda: content

    def _read(self, offset: int, size: int) -> bytes:
        assert self._descriptor is not None
        return os.pread(self._descriptor, size, offset)


class Page:
    """The files of the page; without any, it says so."""

    def __init__(self, assets: Mapping[str, Asset], https_port: int | None) -> None:
        self._assets = assets
        self._https_port = https_port

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET: a file, or the page for every other address that a browser shows."""
        asset = self._assets.get(request.path)
        if asset is None and (request.path == "/" or _HTML in request.headers.get("Accept", "")):
            asset = self._assets.get(_INDEX)
            if asset is None:
                return web.Response(status=503, text=_NOT_BUILT)
        if asset is None:
            raise web.HTTPNotFound
        headers = {
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": page_policy(request.url.host or "", self._https_port),
            "Cache-Control": "public, max-age=31536000, immutable" if asset.lasting else "no-cache",
        }
        if request.headers.get("If-None-Match") == asset.etag:
            return _without_old_cookies(request, web.Response(status=304, headers=headers))
        accepted = {part.partition(";")[0].strip() for part in request.headers.get("Accept-Encoding", "").split(",")}
        encoding = next((name for name, _ in _ENCODINGS if name in accepted and name in asset.content), "")
        if encoding:
            headers["Content-Encoding"] = encoding
        body = await asyncio.to_thread(asset.read, encoding)
        headers["Content-Type"] = asset.kind
        return _without_old_cookies(request, web.Response(body=body, headers=headers))


def _without_old_cookies(request: web.Request, response: web.Response) -> web.Response:
    """Have a browser drop what it still has of them."""
    # Not parsed: it holds whatever else the apps of this host have set.
    sent = request.headers.get("Cookie", "")
    for name in _OLD_COOKIES if _OLD_COOKIES[0] in sent else ():
        response.del_cookie(name, path="/", secure=request.secure, httponly=True, samesite="Strict")
    return response


def page_policy(host: str, https_port: int | None) -> str:
    """Return the Content Security Policy of the page for browsers that call the node by this host.

    Without a port, nothing can show whether they trust the node.
    """
    # The policy knows no addresses of IPv6.
    probe = f" https://{host}:{https_port}" if host and https_port is not None and ":" not in host else ""
    return _POLICY.replace("{probe}", probe)


def read_page(folder: Path, https_port: int | None) -> Page:
    """Read the built page; blocking. What is no file of a known kind is left out."""
    assets = {}
    kept = AssetStore()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix not in _TYPES or path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        plain = path.read_bytes()
        content = {}
        for name, suffix in _ENCODINGS:
            compressed = path.with_name(path.name + suffix)
            if compressed.is_file():
                content[name] = kept.add(compressed.read_bytes())
        if "gzip" not in content:
            content[""] = kept.add(plain)
        place = "/" + path.relative_to(folder).as_posix()
        etag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
        assets[place] = Asset(_TYPES[path.suffix], etag, place.startswith("/assets/"), content)
    return Page(assets, https_port)
