"""A real Caddy that asks this process about each request, with an app twice behind it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.container.manifest.site_names import Doors
from archipelago.network.app_entry import AppEntry
from archipelago.network.drivers.caddy.caddy_driver import CaddyDriver
from archipelago.network.drivers.caddy.caddy_process import Caddy, find_caddy
from archipelago.network.drivers.caddy.guarded_pipes import GuardedPipes
from archipelago.network.sites import Behind, Door, WebSite, doors, guarded_origins
from archipelago.rpc.server.guard_socket import GuardSocket
from archipelago.security.login.login import Login
from support.databases import new_database
from support.harness import free_port
from support.login_world import PASSWORD, World
from support.sources import HERE

READS_PAGE: Mapping[str, Any] = {"Accept": "text/html"}


CLIENT_IS_TOLD = 60.0


SILENCE = 0.2


class NoCertificates:
    """None of these sites is reached by TLS."""

    def sites(self, names: object) -> Mapping[str, tuple[str, str]]:
        return {}


class GuardedScene:
    """A Caddy that asks this process, with an app twice behind it: once behind the node's login."""

    def __init__(self, folder: Path, login: Login) -> None:
        self.where = Doors(free_port(), free_port(), "island")
        self.folder = folder
        self.login = login
        self.port = free_port()
        self.caddy = Caddy(folder / "caddy", folder / "caddy.log", find_caddy())
        self.driver = CaddyDriver(self.caddy, NoCertificates())
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.listening = 0
        """Who follows the events of the app."""
        self.pipes = GuardedPipes(folder / "caddy", 64)
        self.entry = AppEntry(login, self, self.pipes.cut)
        self.guard = GuardSocket(self.entry)

    @property
    def doors(self) -> tuple[Door, ...]:
        place = LoopbackPlace(IPv4Address("127.0.0.1"), self.port)
        found = [
            WebSite("plain", Behind(place), open=False),
            WebSite("guarded", Behind(place, guarded=True), open=False),
        ]
        return tuple(each for each in doors(found, self.where, ()) if not each.tls)

    @property
    def guarded(self) -> frozenset[str]:
        return guarded_origins(self.doors)

    async def apply(self, wanted: tuple[Door, ...]) -> None:
        """Have these doors, as the node does."""
        for driver in (self.pipes, self.driver):
            assert await driver.apply(wanted) == ()

    def host(self, label: str = "guarded") -> str:
        return f"{label}.localhost:{self.where.http_port}"

    async def ask(
        self, path: str = "/", label: str = "guarded", method: str = "GET", *, body: bytes = b"", **headers: str
    ) -> tuple[int, Mapping[str, str], str]:
        """Return how a request is answered."""
        url = f"http://127.0.0.1:{self.where.http_port}{path}"
        named = {"Host": self.host(label), **{name.replace("_", "-"): text for name, text in headers.items()}}
        timeout = aiohttp.ClientTimeout(total=100)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, headers=named, data=body, allow_redirects=False) as answer,
        ):
            return answer.status, answer.headers, await answer.text()

    async def cookie(self) -> str:
        """Log in to the app as the owner's browser does, and return what it keeps."""
        _, headers, _ = await self.ask(**READS_PAGE)
        asked = parse_qs(urlsplit(headers["Location"]).query)
        kept = headers["Set-Cookie"].partition(";")[0]
        visitor = self.login.by_session((await self.login.log_in("owner", PASSWORD, None, HERE)).session)
        assert visitor is not None and asked["site"] == [f"http://{self.host()}"]
        address = self.entry.address(asked["site"][0], asked["state"][0], visitor.session)
        way = address.removeprefix(f"http://{self.host()}")
        status, headers, _ = await self.ask(way, Cookie=kept, **READS_PAGE)
        assert (status, headers["Location"]) == (303, f"http://{self.host()}/")
        return headers["Set-Cookie"].partition(";")[0]

    async def raw(self, sent: bytes) -> bytes:
        """Return what is answered to some bytes, until the other side has said nothing for a moment.

        The connection stays open for so long: a request whose client has gone is given up.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.where.http_port)
        writer.write(sent)
        answer, patience = b"", 30.0
        with contextlib.suppress(TimeoutError):
            while more := await asyncio.wait_for(reader.read(1 << 16), patience):
                answer, patience = answer + more, SILENCE
        writer.close()
        return answer

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """Answer as the app does: by a WebSocket, or with what came."""
        self.seen.append((request.method, request.raw_path, dict(request.headers), await request.text()))
        if request.headers.get("Upgrade", "").lower() == "websocket":
            stream = web.WebSocketResponse()
            await stream.prepare(request)
            async for message in stream:
                await stream.send_str(f"echo {message.data}")
            return stream
        if request.path == "/events":
            return await self.events(request)
        return web.json_response(self.seen[-1])

    async def until_listening(self, count: int) -> None:
        """Return once so many follow the events: the app is told a moment later who has gone."""
        async with asyncio.timeout(CLIENT_IS_TOLD):
            while self.listening != count:
                await asyncio.sleep(0.01)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Say something again and again, for as long as somebody is there."""
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        self.listening += 1
        try:
            while True:
                await answer.write(b"data: again\n\n")
                await asyncio.sleep(0.05)
        finally:
            self.listening -= 1


@contextlib.asynccontextmanager
async def guarded_scene(folder: Path) -> AsyncIterator[GuardedScene]:
    """Yield the scene, with an owner who has a password; its files lie in a folder."""
    database = await new_database(folder / "state.db")
    world = World(folder, database)
    scene = GuardedScene(folder, await world.owned())
    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", scene.echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", scene.port).start()
    await scene.guard.start(scene.caddy.guard)
    await scene.apply(scene.doors)
    try:
        yield scene
    finally:
        await scene.apply(())
        await scene.guard.stop()
        await runner.cleanup()
        await database.close()
