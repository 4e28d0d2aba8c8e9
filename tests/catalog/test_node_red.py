"""Node-RED as an owner uses it: a login, a flow that answers over HTTP, what it reaches, and a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.package_lock import chosen, parse_package_lock, platform_of
from support.checkout import APPS
from support.harness import ROOT, TestNode, copy_apps, podman, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]
USED = {"node-red": "a flow that was made with the node's password answers over HTTP, also after a restart"}

APP = "node-red"
FAR = "http://deb.debian.org/debian/dists/trixie/Release"


def flow(path: str, *nodes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a flow that answers at a path with what nodes make of the request."""
    start = {"id": "start", "type": "http in", "z": "tab", "name": "", "url": path, "method": "get"}
    steps = [start, *nodes, {"id": "end", "type": "http response", "z": "tab", "name": "", "statusCode": "200"}]
    following = [[[step["id"]]] for step in steps[1:]] + [[]]
    tab = {"id": "tab", "type": "tab", "label": "Test", "disabled": False, "info": ""}
    return [tab, *({**step, "wires": wires} for step, wires in zip(steps, following, strict=True))]


HELLO = flow(
    "/hello", {"id": "say", "type": "function", "z": "tab", "func": "msg.payload = `hello ${6 * 7}`; return msg;"}
)
ASK = flow(
    "/ask",
    {"id": "far", "type": "http request", "z": "tab", "method": "GET", "url": FAR, "ret": "txt"},
)


class Browser:
    """Asks the app through the node's web server, as a browser does."""

    def __init__(self, session: aiohttp.ClientSession, node: TestNode, host: str) -> None:
        self._session, self._node, self._host = session, node, host

    async def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, str]:
        """Return status and body of the answer."""
        headers = {"Host": self._host} | ({"Authorization": f"Bearer {token}"} if token else {})
        url = f"http://127.0.0.1:{self._node.http_port}{path}"
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def log_in(self, password: str) -> str:
        """Return the token of a login; empty where it is refused."""
        login = {"client_id": "node-red-admin", "grant_type": "password", "scope": "*"}
        status, text = await self.ask("POST", "/auth/token", {**login, "username": "admin", "password": password})
        return str(json.loads(text)["access_token"]) if status == 200 else ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with Node-RED."""
    remove_leftovers()
    async with running_node(APP, apps=copy_apps(ROOT / "node-red.apps")) as running:
        await running.install(APP)
        await running.until(APP, "healthy")
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def browser(node: TestNode) -> AsyncIterator[Browser]:
    """Somebody who is not logged in."""
    status = await node.call("container-status", app=APP)
    (site,) = (each["site"] for each in status["endpoints"] if each["name"] == "editor")
    async with aiohttp.ClientSession() as session:
        yield Browser(session, node, urlsplit(site).netloc)


async def deploy(node: TestNode, browser: Browser, nodes: list[dict[str, Any]]) -> None:
    """Have these flows run. Node-RED answers when they are stored, and starts them then."""
    token = await browser.log_in(await node.call("secret-show", app=APP, name="password"))
    assert await browser.ask("POST", "/flows", nodes, token) == (204, "")
    await started(browser, next(str(each["url"]) for each in nodes if each["type"] == "http in"))


async def started(browser: Browser, path: str) -> None:
    """Return once a flow answers at a path."""
    async with asyncio.timeout(60):
        while (await browser.ask("GET", path))[0] == 404:
            pass


async def test_nobody_reads_or_writes_flows_without_the_password(node: TestNode, browser: Browser) -> None:
    status, page = await browser.ask("GET", "/")
    assert status == 200 and "Node-RED" in page
    assert (await browser.ask("GET", "/flows"))[0] == 401
    assert (await browser.ask("POST", "/flows", HELLO))[0] == 401
    assert await browser.log_in("password") == ""
    token = await node.call("secret-show", app=APP, name="health_token")
    assert (await browser.ask("GET", "/flows", token=token))[0] == 200
    assert (await browser.ask("POST", "/flows", HELLO, token=token))[0] == 401


async def test_a_flow_answers_and_is_there_after_a_restart(node: TestNode, browser: Browser) -> None:
    await deploy(node, browser, HELLO)
    assert await browser.ask("GET", "/hello") == (200, "hello 42")
    await node.execute(APP, "/usr/bin/node", "/usr/local/lib/health.js")
    await node.done(await node.call("container-restart", app=APP))
    await node.until(APP, "healthy")
    await started(browser, "/hello")
    assert await browser.ask("GET", "/hello") == (200, "hello 42")


async def test_flows_that_run_and_flows_on_the_disk_are_compared(node: TestNode, browser: Browser) -> None:
    await deploy(node, browser, HELLO)
    file = f"{node.root}/apps/{APP}/volumes/flows/flows.json"
    podman("unshare", "sed", "-i.kept", "s/hello/hallo/", file)
    found = await node.call("container-exec", app=APP, command=["/usr/bin/node", "/usr/local/lib/health.js"])
    assert (found["exit_code"], found["stdout"].strip()) == (1, "the flows that run are not those on the disk")
    podman("unshare", "mv", f"{file}.kept", file)
    await node.execute(APP, "/usr/bin/node", "/usr/local/lib/health.js")


async def test_flows_reach_the_internet_only_where_their_owner_wants_it(node: TestNode, browser: Browser) -> None:
    await deploy(node, browser, ASK)
    _, refused = await browser.ask("GET", "/ask")
    assert "Codename: trixie" not in refused and "Error" in refused, refused
    await node.done(await node.call("container-config", app=APP, options={"reach": "internet"}))
    await node.until(APP, "healthy")
    await started(browser, "/ask")
    status, text = await browser.ask("GET", "/ask")
    assert status == 200 and "Codename: trixie" in text, text
    trusted = "console.log(require('tls').getCACertificates().length)"
    assert int(await node.execute(APP, "/usr/bin/node", "--use-bundled-ca", "-e", trusted)) > 100


async def test_its_inventory_names_all_packages_of_its_lock_file(node: TestNode) -> None:
    lock, description = (APPS / APP / name for name in ("package-lock.json", "package.json"))
    packages = parse_package_lock(lock.read_bytes(), description.read_bytes())
    wanted = {str(each) for each in chosen(packages, platform_of(Architecture.AMD64), optional=False)}
    document = await node.call("sbom", app=APP)
    found = {f"{each['name']}@{each['version']}" for each in document["components"] if "npm" in each["purl"]}
    assert wanted <= found and len(wanted) > 200
