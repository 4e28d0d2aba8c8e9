"""A visit to the page of an app that is behind the node's login, as the owner's browser does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import aiohttp

from support.harness import TestNode
from support.visitors import PASSWORD, Visitor


class AppVisit:
    """Asks for pages of one site of a node."""

    def __init__(self, session: aiohttp.ClientSession, node: TestNode, site: str) -> None:
        self._session = session
        self._node = node
        self._host = urlsplit(site).netloc
        self._cookie = ""

    @property
    def kept(self) -> dict[str, str]:
        """What a browser keeps that is logged in: the name and the value of a cookie."""
        name, _, value = self._cookie.partition("=")
        return {"name": name, "value": value}

    async def get(self, path: str, **headers: str) -> tuple[int, aiohttp.ClientResponse, bytes]:
        """Return how a browser that shows a page is answered: status, answer and body."""
        named = {"Host": self._host, "Accept": "text/html", "Cookie": self._cookie, **headers}
        url = f"http://127.0.0.1:{self._node.http_port}{path}"
        async with self._session.get(url, headers=named, allow_redirects=False) as answer:
            return answer.status, answer, await answer.read()

    async def log_in(self) -> None:
        """Log in at the node, and get in by the code that it gives for that."""
        status, answer, _ = await self.get("/")
        assert status == 303, "nobody gets in without"
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        async with Visitor(self._node) as owner:
            entered = await owner.enter()
            assert isinstance(entered, dict), entered
            way = await owner.ask("app-enter", site=asked["site"][0], state=asked["state"][0])
        _, answer, _ = await self.get(way["address"].partition(self._host)[2])
        self._cookie = answer.headers["Set-Cookie"].partition(";")[0]


@asynccontextmanager
async def visiting(node: TestNode, site: str) -> AsyncIterator[AppVisit]:
    """Yield somebody who is logged in to the app at a site, as the owner of a node."""
    async with Visitor(node) as stranger:
        if not (await stranger.ask("login-status"))["set_up"]:
            await node.call("password-set", user="owner", password=PASSWORD)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        visit = AppVisit(session, node, site)
        await visit.log_in()
        yield visit
