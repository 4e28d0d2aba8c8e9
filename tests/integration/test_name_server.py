"""Podman's name server after a kill -9 of it or of Podman: names are resolved again, and addresses stay."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.workload.networks import edge_network_name
from archipelago.support.process import process_exit
from support.harness import TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1500), pytest.mark.waits]

EDGE = edge_network_name("consumer", "provider", {"ear"})
EAR = "provides: {ear: {container: main, port: 8000}}"
STALE = f"{'0' * 64} 10.99.99.2  nobody\n"
PATIENCE = 600.0
"""Seconds: the node looks once a minute, and pauses for another one where its first try did not help."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with a provider and a consumer."""
    remove_leftovers()
    async with running_node("names", apps=tmp_path_factory.mktemp("catalog")) as running:
        assert running.apps is not None
        write_app(running.apps, "provider", more=EAR)
        write_app(running.apps, "consumer", more="requires: {ear: {}}")
        await running.install("consumer")
        await until_resolved(running)
        yield running


def directory() -> Path:
    """Return where the name server's files are."""
    return Path(podman("info", "--format", "{{.Store.RunRoot}}")) / "networks" / "aardvark-dns"


def name_server() -> int:
    """Return the name server's process."""
    return int((directory() / "aardvark.pid").read_text())


def names_of_edge() -> Path:
    """Return the file of the network between the two; Podman 5 adds a suffix to its name."""
    (path,) = directory().glob(f"{EDGE}*")
    return path


def all_names() -> Iterator[str]:
    """Give what the files say; one goes with the last container of its network."""
    for path in directory().glob("archipelago-*"):
        with contextlib.suppress(FileNotFoundError):
            yield path.read_text()


def addresses() -> dict[str, dict[str, str]]:
    """Return what Podman says: app -> network -> address."""
    found = {}
    for app in ("provider", "consumer"):
        text = podman("inspect", "--format", "{{json .NetworkSettings.Networks}}", f"archipelago-{app}--main")
        found[app] = {name: place["IPAddress"] for name, place in json.loads(text).items()}
    return found


async def resolves(node: TestNode) -> bool:
    """Tell whether the name server of their network tells the consumer where the provider is."""
    # Of that network alone: busybox asks all name servers at once.
    gateway = podman("network", "inspect", "--format", "{{(index .Subnets 0).Gateway}}", EDGE)
    command = ["busybox", "timeout", "1", "busybox", "nslookup", "ear", gateway]
    result = await node.call("container-exec", app="consumer", command=command)
    if result["exit_code"] != 0:
        return False
    assert addresses()["provider"][EDGE] in result["stdout"].split()
    return True


async def until_resolved(node: TestNode) -> None:
    """Return once the consumer finds the provider by its name."""
    async with asyncio.timeout(PATIENCE):
        while not await resolves(node):
            await asyncio.sleep(0.2)  # no event tells that a name server listens


async def until_written(node: TestNode, *, without: str) -> None:
    """Return once names are resolved, and the files are free of a text."""
    async with asyncio.timeout(PATIENCE):
        while any(without in text for text in all_names()):
            await asyncio.sleep(0.2)  # as above
    await until_resolved(node)


@contextlib.asynccontextmanager
async def mending(node: TestNode) -> AsyncIterator[None]:
    """Return once the node has said what came of mending what the block broke.

    Whether it helped is for the caller to see. On a busy machine the new name server may take longer to answer than the
    node looks on: then the node rightly says that it was in vain, and looks again a minute later.
    """
    log, record = node.root / "daemon.log", node.runtime / "podman.sock.pid"
    before = log.stat().st_size
    yield
    # A kill -9 of Podman's service has the node look at everything; else it does so once a minute.
    killed = record.read_text()
    os.kill(int(killed), signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while record.read_text() in ("", killed) or b"was built again" not in log.read_bytes()[before:]:
            await asyncio.sleep(0.1)  # no event tells a stranger


async def test_a_name_server_that_was_killed_comes_back(node: TestNode) -> None:
    before, killed = addresses(), name_server()
    async with mending(node):
        os.kill(killed, signal.SIGKILL)
        # Not whether names are resolved now: the node may look, and build it anew, before anybody could ask.
        await asyncio.wait_for(process_exit(killed), 20)
    await until_resolved(node)
    assert name_server() != killed
    assert addresses() == before


async def test_a_bridge_with_a_new_address_cuts_nobody_off(node: TestNode) -> None:
    # As it gets one by itself, with netavark before 1.9, when a provider restarts.
    await until_resolved(node)
    bridge = podman("network", "inspect", "--format", "{{.NetworkInterface}}", EDGE)
    change = ("ip", "link", "set", "dev", bridge, "address", "02:00:00:00:00:07")
    podman("unshare", "nsenter", "--net", "--target", str(name_server()), *change)
    # A kernel that is not told asks again after 23 s at the earliest: 15 as reachable, 5 as delayed, 3 probes (arp(7)).
    async with asyncio.timeout(20):
        while not await resolves(node):
            pass


async def test_a_stale_name_goes_and_so_does_an_old_address(node: TestNode) -> None:
    before = addresses()
    path = names_of_edge()
    async with mending(node):
        path.write_text("\n".join(["10.99.99.1", *path.read_text().splitlines()[1:], STALE]))
        os.kill(name_server(), signal.SIGHUP)
    await until_written(node, without="10.99.99.")
    assert addresses() == before


async def test_a_name_server_in_a_namespace_that_podman_gave_up_is_replaced(node: TestNode) -> None:
    # Podman 4 then leaves the name server alone in a network namespace that it gives up, where nobody hears it.
    async with mending(node):
        with names_of_edge().open("a") as file:
            file.write(STALE)
        await node.done(await node.call("container-stop", app="provider"))
        await node.done(await node.call("container-start", app="provider"))
        await node.until("consumer", "healthy")
    await until_written(node, without="10.99.99.")


@contextlib.asynccontextmanager
async def alone(node: TestNode) -> AsyncIterator[None]:
    """Have the provider alone on the network that it shared with the consumer, which is removed until the end."""
    # It must be down before the provider leaves their network: then nobody but the provider has any.
    await node.done(await node.call("container-stop", app="consumer"))
    await node.done(await node.call("container-remove", app="consumer"))
    try:
        assert EDGE in networks()
        yield
    finally:
        apps = {app["app"] for app in await node.call("container-list")}
        if "consumer" not in apps:
            await node.install("consumer")
        if "stranger" in apps:
            await node.done(await node.call("container-remove", app="stranger"))
        await until_resolved(node)


def networks() -> list[str]:
    """Return the names of the networks that Podman has."""
    return podman("network", "ls", "--format", "{{.Name}}").split()


async def until_gone() -> None:
    """Wait until the network that the two shared is gone."""
    async with asyncio.timeout(50):  # well before the node looks at everything, as it does once a minute
        while EDGE in networks():
            await asyncio.sleep(0.2)  # Podman notifies nobody of networks


async def install_stranger(node: TestNode) -> None:
    """Install an app that has nothing to do with the others."""
    assert node.apps is not None
    write_app(node.apps, "stranger")
    await node.install("stranger")


async def test_an_app_that_stays_alone_keeps_its_networks(node: TestNode) -> None:
    async with alone(node):
        await install_stranger(node)
        await node.install("consumer")
        await until_resolved(node)
        status = await node.call("container-status", app="provider")
        assert (status["health"]["state"], status["health"]["restarts"]) == ("healthy", 0)
        # In company, it leaves what it no longer needs.
        await node.done(await node.call("container-remove", app="consumer"))
        await until_gone()


async def update_provider(node: TestNode) -> None:
    """Update the provider, whose container is made again."""
    assert node.apps is not None
    write_app(node.apps, "provider", grace="3s", more=EAR)
    await node.done(await node.call("container-update", app="provider"))


@pytest.mark.parametrize("event", [install_stranger, update_provider])
async def test_an_app_that_was_alone_leaves_a_network_as_soon_as_it_can(
    node: TestNode, event: Callable[[TestNode], Awaitable[None]]
) -> None:
    async with alone(node):
        await event(node)
        await until_gone()
