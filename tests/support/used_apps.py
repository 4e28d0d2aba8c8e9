"""What tests that use an app of the catalog do with it as its owner does."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from support.harness import APPS_AT, TestNode, remove_leftovers, running_node

OWNER = "owner"


@asynccontextmanager
async def node_with(app: str, **options: object) -> AsyncIterator[TestNode]:
    """Yield a node on which an app of the catalog was installed by its plan, and is healthy."""
    remove_leftovers()
    async with running_node(f"use-{app}") as running:
        await running.install(app, options=options)
        await running.until(app, "healthy")
        yield running


async def restart(node: TestNode, app: str) -> None:
    """Stop an app and start it again, until it is healthy."""
    await node.done(await node.call("container-stop", app=app))
    await node.done(await node.call("container-start", app=app))
    await node.until(app, "healthy")


async def password(node: TestNode, app: str) -> str:
    """Return the password that the node made, as its owner gets to know it."""
    return str(await node.call("secret-show", app=app, name="password"))


async def port(node: TestNode, app: str, endpoint: str) -> int:
    """Return the port at which programs on the node's own machine reach an endpoint."""
    status = await node.call("container-status", app=app)
    (address,) = (str(each["address"]) for each in status["endpoints"] if each["name"] == endpoint)
    found = urlsplit(address if "://" in address else f"tcp://{address}")
    assert found.hostname == APPS_AT and found.port, address
    return found.port


def login(password: str, user: str = OWNER) -> dict[str, str]:
    """Return the header by which a program logs in (RFC 7617)."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


class AppClient:
    """Calls the HTTP interface of an app."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://{APPS_AT}:{port}"

    async def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        """Return the status and the body of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else body.encode()
        async with self._session.request(method, self._base + path, data=data, headers=named) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def calling(node: TestNode, app: str, endpoint: str) -> AsyncIterator[AppClient]:
    """Yield somebody who calls the HTTP interface of an app, and keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield AppClient(session, await port(node, app, endpoint))
