"""A real node that listens beyond loopback, a machine outside that knocks, and the firewall of the host."""

import ast
import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from archipelago.network.host_firewall import NEW_BURST, host_ruleset
from support.harness import APPS_AT, RpcError, TestNode, free_port, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.waits]

PASSWORD = "correct horse battery staple"
FLOOD = 15 * NEW_BURST
"""Connections that nobody opens within the time in which the firewall lets so many in."""
INTERNET, LOCAL, PORT, HOST = os.environ["ARCHIPELAGO_OUTSIDE"].split()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node that listened nowhere else before its owner had a password."""
    remove_leftovers()
    async with running_node("lan", apps=tmp_path_factory.mktemp("catalog")) as running:
        assert await refusal(running, HOST) == "forbidden"
        await running.call("password-set", user="owner", password=PASSWORD)
        yield running


async def knock(port: int) -> bool:
    """Tell whether the machine outside can open a connection to a port of this host's local address."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{LOCAL}:{PORT}/knock/{HOST}/{port}") as answer:
        return (await answer.text()) == "open"


async def until_knocks(ports: Iterable[int], expected: list[bool]) -> None:
    """Return once so can the machine outside; what follows a change of an app comes a moment after it."""
    async with asyncio.timeout(60):
        while [await knock(port) for port in ports] != expected:
            await asyncio.sleep(0.05)  # the kernel tells nobody


async def trusted(node: TestNode) -> ssl.SSLContext:
    """Return what a browser has that trusts the node's authority, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=(await node.call("network-status"))["authority"])
    return context


async def refusal(node: TestNode, *addresses: str) -> str:
    """Return why the node does not listen somewhere."""
    with pytest.raises(RpcError) as caught:
        await node.call("network-listen", addresses=addresses)
    assert (await node.call("network-status"))["listening"] == []
    return str(caught.value.data["name"])


async def test_the_node_listens_where_its_owner_says_once_there_is_a_password(node: TestNode) -> None:
    await node.call("network-listen", addresses=[])
    for wrong in ("127.0.0.1", "0.0.0.0", "198.51.100.1", "192.168.213.77", "10.1", "x" * 65, "::1"):
        assert await refusal(node, HOST, wrong) in ("invalid-value", "invalid-params"), wrong
    assert not await knock(node.port)
    status = await node.call("network-listen", addresses=["lan"])
    assert HOST in status["listening"] == status["available"]
    status = await node.call("network-listen", addresses=[HOST])
    assert status["addresses"] == [f"https://{HOST}:{node.port}"] and status["problems"] == []
    assert await knock(node.port)


async def test_a_browser_that_trusts_the_node_logs_in_and_others_get_no_further(node: TestNode) -> None:
    await node.call("network-listen", addresses=[HOST])
    request = {"jsonrpc": "2.0", "id": 1, "method": "login", "params": {"password": PASSWORD}}
    base = f"https://{HOST}:{node.port}"
    context = await trusted(node)
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(ssl=context)) as browser:
        async with browser.post("/rpc/v1", json=request) as response:
            assert "Set-Cookie" not in response.headers
            browser.headers["Authorization"] = f"Bearer {(await response.json())['result']['session']}"
        request = {"jsonrpc": "2.0", "id": 1, "method": "container-list"}
        async with browser.post("/rpc/v1", json=request) as response:
            assert (await response.json())["result"] == []
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": f"http://{HOST}"}):
            async with browser.post("/rpc/v1", json=request, headers=headers) as response:
                assert response.status == 403
        name = (await node.call("network-status"))["names"][0]
        async with browser.get("/healthz", headers={"Host": name}) as response:
            assert response.status == 200
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(f"{base}/healthz")
        with pytest.raises(aiohttp.ClientError):  # nobody speaks without TLS there
            await stranger.get(f"http://{HOST}:{node.port}/healthz")


async def test_only_what_asks_for_the_local_network_is_led_in_and_only_while_it_runs(node: TestNode) -> None:
    assert node.apps is not None
    ports = {name: free_port() for name in ("page", "wire", "own")}
    ways = {
        "page": "protocol: http, login: own, access: [lan]",
        "wire": "login: own, access: [host, lan]",
        "own": "access: [host]",
    }
    endpoints = "".join(
        f"  {name}: {{kind: ui, container: main, port: 8000, host_port: {ports[name]}, {way}}}\n"
        for name, way in ways.items()
    )
    write_app(node.apps, "served", more=f"endpoints:\n{endpoints}")
    await node.call("network-listen", addresses=[HOST])
    await node.install("served")
    status = await node.call("container-status", app="served")
    assert {each["name"]: each["local_addresses"] for each in status["endpoints"]} == {
        "page": [f"https://{HOST}:{ports['page']}/"],
        "wire": [f"{HOST}:{ports['wire']}"],
        "own": [],
    }
    assert [await knock(ports[name]) for name in ("page", "wire", "own")] == [True, True, False]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=await trusted(node))) as browser:
        async with browser.get(f"https://{HOST}:{ports['page']}/etc/passwd") as response:
            assert response.status == 200 and ":1000:1000:" in await response.text()
        async with browser.get(f"http://{HOST}:{ports['wire']}/etc/passwd") as response:
            assert response.status == 200
    reader, writer = await asyncio.open_connection(HOST, ports["wire"])
    await node.done(await node.call("container-stop", app="served"))
    async with asyncio.timeout(60):
        assert await reader.read() == b""  # a connection that is open ends with the app
    writer.close()
    await until_knocks(ports.values(), [False] * 3)
    await node.done(await node.call("container-start", app="served"))
    await until_knocks(ports.values(), [True, True, False])


async def test_its_owner_opens_an_endpoint_and_closes_it_again(node: TestNode) -> None:
    assert node.apps is not None
    wallet, relay, page, member = (free_port() for _ in range(4))
    endpoints = {
        "wallet": f"{{kind: api, scheme: tcp, container: main, port: 8000, host_port: {wallet}}}",
        "relay": f"{{kind: api, protocol: http, scheme: ws, container: main, port: 8000, host_port: {relay}}}",
        "page": f"{{kind: ui, protocol: http, container: main, port: 8000, host_port: {page}, access: [host, lan]}}",
        "bare": f"{{kind: ui, container: main, port: 8000, host_port: {free_port()}}}",
        "member": f"{{kind: ui, protocol: http, login: own, container: main, port: 8000, host_port: {member}}}",
    }
    more = "endpoints:\n" + "".join(f"  {name}: {each}\n" for name, each in endpoints.items())
    write_app(node.apps, "doors", more=more)
    await node.call("network-listen", addresses=[HOST])
    await node.install("doors")
    ports = (wallet, relay, page, member)
    assert [await knock(port) for port in ports] == [False] * 4

    opened = await node.call("network-open", app="doors", endpoint="wallet")
    assert opened["open"] and opened["local_addresses"] == [f"ssl://{HOST}:{wallet}"]
    assert opened["address"] == f"tcp://{APPS_AT}:{wallet}"
    assert await knock(wallet), "once the node has answered, it is so"
    relayed = await node.call("network-open", app="doors", endpoint="relay")
    assert relayed["local_addresses"] == [f"wss://{HOST}:{relay}"]
    await node.call("network-open", app="doors", endpoint="member")
    with pytest.raises(RpcError, match="without a login of its own") as refused:
        await node.call("network-open", app="doors", endpoint="bare")
    assert refused.value.data["name"] == "forbidden" and "ssh" in refused.value.data["hint"]
    with pytest.raises(RpcError, match="no endpoint 'nothing'"):
        await node.call("network-open", app="doors", endpoint="nothing")
    guarded = await node.call("network-open", app="doors", endpoint="page")
    assert guarded["behind_login"] and guarded["local_addresses"] == [], "the node's login is in front of no port"
    assert guarded["local_site"].startswith("https://doors-")
    assert [await knock(port) for port in ports] == [True, True, False, True]
    reached = (await node.call("network-status"))["endpoints"]
    assert {f"ssl://{HOST}:{wallet}", f"wss://{HOST}:{relay}", f"https://{HOST}:{member}/"} <= set(reached)
    kept = await asyncio.to_thread(ssl.get_server_certificate, (HOST, wallet))
    pinned = ssl.create_default_context(cadata=kept)  # as Electrum wallets do: whatever they have seen first
    pinned.check_hostname = False
    reader, writer = await asyncio.open_connection(HOST, wallet, ssl=pinned)
    writer.write(b"GET /etc/passwd HTTP/1.0\r\n\r\n")
    assert b":1000:1000:" in await reader.read()
    writer.close()
    assert f"tcp dport {wallet} " in (await node.call("network-firewall"))["rules"]

    recorded = [each for each in await node.call("audit-show", limit=20) if each["action"] == "network-open"]
    outcomes = {(each["subject"]["endpoint"], each["outcome"]) for each in recorded}
    assert ("wallet", "done") in outcomes and {each for each, _ in outcomes} >= {"bare", "nothing"}
    assert not {("bare", "done"), ("nothing", "done")} & outcomes
    token = await node.call("token-create", name="operator", permissions=["read", "operate", "manage"])
    request = {"jsonrpc": "2.0", "id": 1, "method": "network-close", "params": {"app": "doors", "endpoint": "wallet"}}
    headers = {"Authorization": f"Bearer {token['secret']}"}
    url = f"http://127.0.0.1:{node.port}/rpc/v1"
    async with aiohttp.ClientSession(headers=headers) as operator, operator.post(url, json=request) as response:
        assert (await response.json())["error"]["data"]["name"] == "forbidden"

    write_app(node.apps, "doors", more=more, version="2.0")
    await node.done(await node.call("container-update", app="doors"))
    await node.stop()
    await node.start()
    await node.until("doors", "healthy")
    await until_knocks(ports, [True, True, False, True])
    closed = await node.call("network-close", app="doors", endpoint="wallet")
    assert not closed["open"] and closed["local_addresses"] == []
    assert not await knock(wallet) and await knock(relay)

    await node.done(await node.call("container-remove", app="doors"))
    await until_knocks(ports, [False] * 4)
    await node.install("doors")
    assert [await knock(port) for port in ports] == [False] * 4, "a removal clears what the owner had opened"
    await node.done(await node.call("container-remove", app="doors", delete_data=True))


async def test_what_the_owner_chose_outlives_a_restart_and_ends_when_he_says_so(node: TestNode) -> None:
    before = await node.call("network-listen", addresses=[HOST])
    await node.stop()
    await node.start()
    assert await node.call("network-status") == before
    token = await node.call("token-create", name="watcher", permissions=["read"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=await trusted(node))) as browser:
        socket = await browser.ws_connect(
            f"https://{HOST}:{node.port}/ws/v1",
            headers={"Authorization": f"Bearer {token['secret']}"},
        )
        await node.call("network-listen", addresses=[])
        async with asyncio.timeout(60):
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert not await knock(node.port)


async def test_the_rules_for_the_host_are_what_nftables_takes(node: TestNode) -> None:
    await node.call("network-listen", addresses=[HOST])
    found = await node.call("network-firewall")
    assert found["problem"] == ""
    assert f"ip daddr {HOST} tcp dport {node.port}" in found["rules"] and "tcp dport 22 " in found["rules"]
    assert "dport 22 " not in (await node.call("network-firewall", ssh_port=None))["rules"]


async def test_a_new_address_from_the_router_is_followed_and_an_odd_hostname_keeps_nobody_out(tmp_path: Path) -> None:
    scene = Path(__file__).with_name("moving_host.py").read_text()
    command = ["podman", "unshare", "unshare", "--net", sys.executable, "-c", scene, str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=200, cwd="/")
    assert done.returncode == 0 and done.stdout.endswith("OK\n"), done.stderr


async def test_traffic_between_two_namespaces_meets_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(host_ruleset({(IPv4Address("192.168.7.1"), 8480)}, 22))
    tries = [
        ("192.168.7.1", 8480, "192.168.7.2", 3),
        ("192.168.7.1", 9000, "192.168.7.2", 2),
        ("203.0.113.1", 8480, "203.0.113.2", 2),
        ("203.0.113.1", 22, "203.0.113.2", 2),
        ("192.168.7.1", 8480, "192.168.7.2", FLOOD),
    ]
    # Its text, not its path: Podman's namespace may be older than this checkout's place in it.
    scene = Path(__file__).with_name("host_firewall_scene.sh").read_text()
    rules = str(tmp_path / "rules")
    command = ["podman", "unshare", "unshare", "--net", "sh", "-c", scene, "sh", rules, sys.executable, repr(tries)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=200, cwd="/")
    assert done.returncode == 0, done.stderr
    before, after = map(ast.literal_eval, done.stdout.splitlines())
    assert before == [count for *_, count in tries]
    assert after[:4] == [3, 0, 0, 2]
    assert NEW_BURST * 0.9 <= after[4] < FLOOD
