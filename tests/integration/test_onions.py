"""Apps that are reached through Tor: a private Tor network outside, a client there, and the node's own Tor.

Authorities, relays and the client run on the machine outside (scripts/with-outside, `private_tor`); the Tor of the node
is the app of the catalog, which only joins that network instead of the real one.
"""

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from support.checkout import APPS as OWN_APPS
from support.harness import ROOT, RpcError, TestNode, free_port, remove_leftovers, running_node
from support.onion_client import OnionClient, start_network, stop_network
from support.tiny_apps import write_app
from support.visitors import Visitor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.waits]

USED = {"tor": "publishes pages as onion services in a private Tor network, where a client opens them with its key"}
INTERNET, LOCAL, PORT, HOST = os.environ["ARCHIPELAGO_OUTSIDE"].split()
SHOW = '[httpd, -f, -p, "8000", -h, /www]'
PATIENCE = 120.0
"""Seconds after which a page will not come any more. Who was refused asks a directory again after 20 s."""
PASSWORD = "correct horse battery staple"
PAGES = ("alpha", "beta")
MORE = """volumes: {{kept: {{data: files}}}}
endpoints:
  page: {{kind: ui, protocol: http, login: own, container: main, port: 8000, host_port: {page}}}
  wire: {{kind: api, scheme: tcp, container: main, port: 8000, host_port: {wire}}}
  open: {{kind: ui, protocol: http, container: main, port: 8000, host_port: {open}}}
"""


def write_page(folder: Path, app: str) -> None:
    """Write an app whose page says which app it is, and with which headers it was asked."""
    more = MORE.format(page=free_port(), wire=free_port(), open=free_port())
    script = f"#!/usr/bin/busybox sh\necho 'Content-Type: text/plain'; echo; echo 'this is {app}'; busybox env\n"
    write_app(folder, app, command=SHOW, more=more)
    manifest = folder / app / "manifest.yml"
    text = manifest.read_text().replace(
        "    init: true\n", "    init: true\n    mounts: [{volume: kept, path: /kept}]\n"
    )
    files = "files: [{source: show, path: /www/cgi-bin/index.cgi, executable: true}]"
    manifest.write_text(text.replace("packages: [busybox-static]", f"packages: [busybox-static], {files}"))
    (folder / app / "show").write_text(script)


def write_tor(folder: Path, joining: str) -> None:
    """Write the Tor of the catalog, which joins another network."""
    shutil.copytree(OWN_APPS / "tor", folder / "tor")
    torrc = folder / "tor" / "files" / "torrc.j2"
    torrc.write_text(
        torrc.read_text() + "\n" + joining.replace("SafeLogging 0\n", "").replace("Log notice stdout\n", "")
    )
    manifest = folder / "tor" / "manifest.yml"
    # The network is on the machine outside, at an address of the local network.
    manifest.write_text(
        manifest.read_text().replace("egress: direct", "egress: lan").replace("interval: 30s", "interval: 1s")
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[TestNode, OnionClient]]:
    """A node with two apps and a Tor, and a client of the network that this has joined."""
    remove_leftovers()
    starting = asyncio.create_task(start_network(INTERNET, int(PORT)))
    catalog = tmp_path_factory.mktemp("catalog")
    for app in PAGES:
        write_page(catalog, app)
    async with running_node("onions", apps=catalog) as running:
        await asyncio.gather(*map(running.install, PAGES))
        client = await starting
        write_tor(catalog, client.joining)
        await running.install("tor")
        yield running, client
    await stop_network(INTERNET, int(PORT))


@pytest.fixture
def node(scene: tuple[TestNode, OnionClient]) -> TestNode:
    return scene[0]


@pytest.fixture
def client(scene: tuple[TestNode, OnionClient]) -> OnionClient:
    return scene[1]


async def onion(node: TestNode, app: str, endpoint: str = "page", access: str = "clients") -> str:
    """Have an endpoint reached through Tor, and return its address."""
    return str((await node.call("onion-set", app=app, endpoint=endpoint, access=access))["onion"])


async def key_of(node: TestNode, app: str, endpoint: str = "page") -> str:
    return str((await node.call("onion-key", app=app, endpoint=endpoint))["key"])


async def test_a_page_is_reached_with_the_client_key_and_refused_without(node: TestNode, client: OnionClient) -> None:
    await node.until("tor", "healthy")
    address = await onion(node, "alpha")
    key = await key_of(node, "alpha")
    assert await client.refused(address), "without a key"
    await client.know(address, base64.b32encode(os.urandom(32)).decode().rstrip("="))
    assert await client.refused(address), "with another key"
    await client.know(address, key)
    page = await client.page(address, PATIENCE)
    assert "this is alpha" in page
    assert "HTTP_HOST=" + address.split("/")[2] in page


async def test_each_onion_leads_to_its_app_alone(node: TestNode, client: OnionClient) -> None:
    first, second = await onion(node, "alpha"), await onion(node, "beta")
    assert first != second
    for app, address in (("alpha", first), ("beta", second)):
        await client.know(address, await key_of(node, app))
        assert f"this is {app}" in await client.page(address, PATIENCE)
    for name in (second.split("/")[2], "beta.localhost", "localhost", f"localhost:{node.port}", "127.0.0.1"):
        page = await client.page(first, PATIENCE, {"Host": name})
        assert " 404 " in page.splitlines()[0] and "this is" not in page, f"{name} at the onion of another app"


async def test_headers_by_which_proxies_vouch_for_somebody_do_not_pass(node: TestNode, client: OnionClient) -> None:
    address = await onion(node, "alpha")
    sent = {"X-Forwarded-User": "mallory", "Remote-User": "mallory", "X-Forwarded-For": "10.9.8.7", "Cookie": "own=1"}
    page = await client.page(address, PATIENCE, sent)
    assert "mallory" not in page and "10.9.8.7" not in page
    assert "HTTP_COOKIE=own=1" in page, "what the browser keeps for this origin does"


async def test_what_is_not_http_passes_as_it_is_and_a_page_without_login_is_never_public(
    node: TestNode, client: OnionClient
) -> None:
    with pytest.raises(RpcError, match="without a login"):
        await onion(node, "alpha", "open", "public")
    address = await onion(node, "alpha", "wire", "public")
    host, port = address.removeprefix("tcp://").split(":")
    assert address.startswith("tcp://")
    page = await client.page(f"http://{host}:{port}/", PATIENCE)
    assert "this is alpha" in page, "a public one needs no key"
    await onion(node, "alpha", "wire", "off")
    await client.new_circuits()
    assert await client.refused(f"http://{host}:{port}/")


async def test_a_key_that_was_replaced_opens_nothing(node: TestNode, client: OnionClient) -> None:
    address = await onion(node, "alpha")
    old = await key_of(node, "alpha")
    await client.know(address, old)
    await client.page(address, PATIENCE)
    renewed = await node.call("onion-key-renew", app="alpha", endpoint="page")
    assert renewed["address"] == address and renewed["key"] != old
    assert await client.refused(address), "not even by what it knew already"
    await client.know(address, renewed["key"])
    assert "this is alpha" in await client.page(address, PATIENCE)


async def test_an_onion_outlives_the_daemon_and_its_tor(node: TestNode, client: OnionClient) -> None:
    address = await onion(node, "alpha")
    await client.know(address, await key_of(node, "alpha"))
    await client.page(address, PATIENCE)
    node.kill()
    assert "this is alpha" in await client.page(address, PATIENCE), "while there is no daemon"
    await node.start()
    assert "this is alpha" in await client.page(address, PATIENCE), "and once there is one again"
    assert await onion(node, "alpha") == address
    await node.done(await node.call("container-restart", app="tor"))
    assert "this is alpha" in await client.page(address, PATIENCE)
    assert await onion(node, "alpha") == address
    assert (await node.call("onion-status"))["problems"] == []


async def test_the_keys_are_in_no_file_of_tor(node: TestNode) -> None:
    listed = await node.execute("tor", "/usr/bin/busybox", "find", "/state")
    assert "hs_ed25519" not in listed and "control_auth_cookie" in listed
    assert {each["name"] for each in await node.call("secret-list", app="alpha")} >= {"onion.page", "onion-client.page"}


async def test_a_restored_app_has_the_onion_that_it_had(node: TestNode, client: OnionClient) -> None:
    address, key = await onion(node, "beta"), await key_of(node, "beta")
    disk = ROOT / "onion-disk"
    shutil.rmtree(disk, ignore_errors=True)
    disk.mkdir(parents=True)
    settings = {"kind": "folder", "path": str(disk)}
    await node.call("backup-target-add", target="usb", settings=settings, scheduled=False)
    await node.done(await node.call("backup-now", app="beta", target="usb"))
    await node.done(await node.call("container-remove", app="beta", delete_data=True))
    await client.new_circuits()
    assert await client.refused(address), "it ends with the app"
    await node.install("beta")
    (page,) = [
        each for each in (await node.call("container-status", app="beta"))["endpoints"] if each["name"] == "page"
    ]
    assert (page["tor"], page["onion"]) == ("off", None), "a removal ends what its owner had switched on"
    assert await onion(node, "beta") != address
    await node.done(await node.call("backup-restore", app="beta", target="usb"))
    assert await onion(node, "beta") == address and await key_of(node, "beta") == key
    await client.know(address, key)
    assert "this is beta" in await client.page(address, PATIENCE)


async def test_the_nodes_own_page_is_reached_with_its_key_by_nobody_in_particular(
    node: TestNode, client: OnionClient
) -> None:
    with pytest.raises(RpcError, match="cannot be recognised"):
        await node.call("onion-node-set", on=True)
    await node.call("password-set", user="owner", password=PASSWORD)
    await node.call("onion-node-set", on=True)
    found = await node.call("onion-node-key")
    address = found["address"]
    assert await client.refused(address)
    await client.know(address, found["key"])
    assert "ok" in await client.page(f"{address}healthz", PATIENCE)
    host = address.split("/")[2]
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "container-list", "params": {}})
    answer = await client.post(f"{address}rpc/v1", asked, {"Origin": f"http://{host}"})
    assert "log in first" in answer, "the owner's socket is another one"
    answer = await client.post(f"{address}rpc/v1", asked, {"Origin": (await onion(node, "alpha")).rstrip("/")})
    assert "another origin" in answer
    page = await client.page(address, PATIENCE, {"Host": "alpha.localhost"})
    assert " 403 " in page.splitlines()[0]
    await require_login_in_front(node, client, address)


async def require_login_in_front(node: TestNode, client: OnionClient, address: str) -> None:
    """Require that who opens a page without a login by its onion address is asked by the node at its own one."""
    guarded = await onion(node, "alpha", "open")
    assert await client.refused(guarded), "without its key"
    await client.know(guarded, await key_of(node, "alpha", "open"))
    page = await client.page(guarded, PATIENCE, {"Accept": "text/html"})
    assert " 303 " in page.splitlines()[0] and f"Location: {address}enter?" in page and "this is" not in page
    assert " 401 " in (await client.page(guarded, PATIENCE)).splitlines()[0], "a program is not sent elsewhere"
    place, state = re.search(r"Location: (\S+)", page), re.search(r"Set-Cookie: ([^;]+)", page)
    assert place is not None and state is not None
    asked = parse_qs(urlsplit(place[1]).query)
    async with Visitor(node) as owner:
        assert isinstance(await owner.enter(password=PASSWORD), dict)
        way = await owner.ask("app-enter", site=asked["site"][0], state=asked["state"][0])
    page = await client.page(way["address"], PATIENCE, {"Accept": "text/html", "Cookie": state[1]})
    session = re.search(r"Set-Cookie: (archipelago-session=[^;]+)", page)
    assert session is not None, page
    page = await client.page(guarded, PATIENCE, {"Cookie": session[1]})
    assert "this is alpha" in page and "archipelago-session" not in page, "the app is not told who is logged in"
    await node.call("onion-node-set", on=False)
    page = await client.page(guarded, PATIENCE, {"Accept": "text/html"})
    assert " 403 " in page.splitlines()[0] and "tor-node on" in page and "this is" not in page
    with pytest.raises(RpcError, match="behind the node's login"):
        await onion(node, "alpha", "open")
    await onion(node, "alpha", "open", "off")


async def test_what_tor_cannot_do_is_a_finding_of_the_doctor(node: TestNode) -> None:
    await node.done(await node.call("container-stop", app="tor"))

    async def findings() -> list[str]:
        found = await node.call("doctor")
        return [each["what"] for each in found if each["check"] == "onions"]

    await onion(node, "alpha")
    assert any("alpha/page" in each for each in await findings())
    await node.done(await node.call("container-start", app="tor"))
    await onion(node, "alpha")
    assert await findings() == []
