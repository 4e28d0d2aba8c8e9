"""Bitcoin Knots through Tor alone: what leaves its network namespace is watched while it tries to reach a peer."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from archipelago.container.manifest.model.patterns import matches
from archipelago.container.manifest.model.settings import StringOption
from archipelago.container.manifest.package import load_package
from support.checkout import APPS
from support.harness import TestNode, podman, remove_leftovers, running_node
from support.packet_watch import PacketWatch, watching

# In one lane, since each lane makes the images of our own apps once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(400),
    pytest.mark.lane(1),
    pytest.mark.waits,
]

PEER, NAME = "203.0.113.7", "peer.archipelago.example"
"""A peer by its address, which nobody has (RFC 5737), and one by a name, which nobody knows."""
PUBLIC = "11.22.33.44"
"""Only for Tor, which has no network here. bitcoind knows that `PEER` is nobody's, and never asks a proxy for it."""
_RESOLV = "/etc/resolv.conf"
MARKS = {"fingerprint": "Ab" * 20, "cert": "a/+Z9" * 14}
BRIDGES = (
    "obfs4 192.0.2.1:443 {fingerprint} cert={cert} iat-mode=0",
    "obfs4 203.0.113.255:65535 {fingerprint} cert={cert} iat-mode=2",
    "obfs4  198.51.100.1:1  {fingerprint}  cert={cert}  iat-mode=1",
    "192.0.2.2:9001",
    "0.0.0.0:10 {fingerprint}",
    "255.249.199.99:60000 {fingerprint}",
)


TWO_QUESTIONS = """
import socket, struct, sys

def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 256, 1, 0, 0, 0) + labels + bytes([0, 0, 1, 0, 1])

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(10)
    asking.connect((sys.argv[1], 53))
    asking.send(question("tor-socks"))
    asking.recv(512)
    try:
        asking.send(question("archipelago.example"))
        print("sent")
    except PermissionError:
        print("refused")
"""
"""Asks for a name that may be asked for and then, from the same port, for one that may not."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    """A node with bitcoin-knots on regtest, which reaches others directly."""
    remove_leftovers()
    async with running_node("tor-egress") as running:
        await running.install("bitcoin-knots", options={"network": "regtest"})
        yield running


def place(app: str) -> str:
    """Return the id of the first process of an app's container."""
    return podman("inspect", "--format", "{{.State.Pid}}", f"archipelago-{app}--main")


def addresses(app: str) -> set[str]:
    """Return the addresses of an app on its networks."""
    found = json.loads(podman("inspect", "--format", "{{json .NetworkSettings.Networks}}", f"archipelago-{app}--main"))
    return {str(each["IPAddress"]) for each in found.values()}


async def meet_peers(node: TestNode, *peers: str) -> None:
    """Have bitcoind try once to connect to each peer."""
    tries = " & ".join(f"bitcoin-cli -regtest addnode {peer}:8333 onetry" for peer in peers)
    await node.execute("bitcoin-knots", "busybox", "sh", "-c", f"{tries} & wait")


def questions(watch: PacketWatch) -> set[bytes]:
    """Return the names that a name server was asked for, as they are in its questions."""
    return {packet.data[12:].partition(b"\0")[0] for packet in watch.packets if packet.port == 53}


async def require_tor_alone(node: TestNode) -> str:
    """Have bitcoind look for peers, and require that nothing leaves but to Tor; return the address of Tor."""
    async with watching(place("bitcoin-knots")) as watch:
        await meet_peers(node, PEER, PUBLIC, NAME)
        (tor,) = {(await watch.until_sent(host.encode())).to for host in (PUBLIC, NAME)}
    assert tor in addresses("tor")
    elsewhere = {where for where in watch.places if where != (tor, "tcp", 9050) and where[1:] != ("udp", 53)}
    assert not elsewhere
    # The name server is Podman's own. The node has it say now and then where this container is, by its id.
    own = podman("inspect", "--format", "{{.Id}}", "archipelago-bitcoin-knots--main")[:12].encode()
    assert questions(watch) <= {b"\x09tor-socks", b"\x09tor-socks\x03dns\x06podman", b"\x0c" + own}
    return tor


async def test_what_goes_out_directly_is_seen(node: TestNode) -> None:
    async with watching(place("bitcoin-knots")) as watch:
        await meet_peers(node, PEER, NAME)
        packet = await watch.until_to(PEER)
        assert (packet.protocol, packet.port) == ("tcp", 8333)
        await watch.until_sent(b"\x04peer\x0barchipelago\x07example")


async def test_the_option_installs_tor_and_then_nothing_leaves_but_through_it(node: TestNode) -> None:
    plan = await node.call("plan", app="bitcoin-knots", options={"reach": "tor"})
    assert {each["app"]: each["action"] for each in plan["apps"]} == {"tor": "install", "bitcoin-knots": "restart"}
    preview = await node.call("config-preview", app="bitcoin-knots", options={"reach": "tor"})
    assert (preview["installs"], preview["restarts"]) == (["tor"], ["bitcoin-knots"])
    await node.done(await node.call("container-config", app="bitcoin-knots", options={"reach": "tor"}))
    assert "tor" in {each["app"] for each in await node.call("container-list")}
    assert json.loads(podman("network", "inspect", "archipelago-bitcoin-knots"))[0]["internal"] is True
    await require_tor_alone(node)
    known = json.loads(await node.execute("bitcoin-knots", "bitcoin-cli", "-regtest", "getnetworkinfo"))
    proxies = {each["name"]: each["proxy"] for each in known["networks"] if each["name"] in ("ipv4", "ipv6", "onion")}
    assert set(proxies.values()) == {"127.0.0.1:9050"} and known["localaddresses"] == []
    # Past bitcoind as well: no other program of the container gets out.
    out = f"busybox nc -w 2 {PEER} 8333 </dev/null && echo there; true"
    assert await node.execute("bitcoin-knots", "busybox", "sh", "-c", out) == ""


async def test_no_other_name_is_asked_for_after_one_that_was_answered(node: TestNode) -> None:
    (server, *_) = (await node.execute("bitcoin-knots", "busybox", "sed", "-n", "s/^nameserver //p", _RESOLV)).split()
    within = ("unshare", "nsenter", "--net", "--target", place("bitcoin-knots"), sys.executable, "-I")
    assert podman(*within, "-c", TWO_QUESTIONS, server) == "refused"


async def test_tor_may_restart_and_have_another_address(node: TestNode) -> None:
    began = place("bitcoin-knots")
    await node.done(await node.call("container-restart", app="tor"))
    await require_tor_alone(node)
    assert place("bitcoin-knots") == began, "bitcoind runs on"


async def test_tor_takes_every_bridge_that_the_option_takes(node: TestNode) -> None:
    option = load_package(APPS / "tor").manifest.options["bridges"]
    assert isinstance(option, StringOption) and option.pattern is not None
    lines = [line.format(**MARKS) for line in BRIDGES]
    assert all(matches(option.pattern, line) for line in lines)
    bridges = f"{lines[0]}; {' '.join(lines[1:])}"
    await node.done(await node.call("container-config", app="tor", options={"bridges": bridges}))
    health = (await node.until("tor", "syncing"))["health"]
    assert re.fullmatch(r"connecting through a bridge \d{1,2} %", health["reason"])
    torrc = "/etc/archipelago/torrc"
    checked = await node.execute("tor", "tor", "--verify-config", "-f", torrc, "--DataDirectory", "/tmp/verified")
    assert "Configuration was valid" in checked
    written = await node.execute("tor", "busybox", "grep", "^Bridge ", torrc)
    assert written.splitlines() == [f"Bridge {' '.join(line.split())}" for line in lines]
    async with asyncio.timeout(100):  # Tor starts the transport a moment after itself
        while not await node.execute("tor", "busybox", "sh", "-c", "busybox pidof obfs4proxy; true"):
            await asyncio.sleep(0.1)
    await node.done(await node.call("container-config", app="tor", reset=["bridges"]))
    assert (await node.until("tor", "syncing"))["health"]["reason"].startswith("connecting ")


async def test_set_back_it_reaches_others_directly_and_tor_may_go(node: TestNode) -> None:
    await node.done(await node.call("container-config", app="bitcoin-knots", reset=["reach"]))
    await node.done(await node.call("container-remove", app="tor", delete_data=True))
    async with watching(place("bitcoin-knots")) as watch:
        await meet_peers(node, PEER)
        await watch.until_to(PEER)
