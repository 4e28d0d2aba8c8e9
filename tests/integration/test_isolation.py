"""Who reaches whom: twelve apps with a random graph of dependencies, measured from within each container."""

import asyncio
import json
import random
import socket
import subprocess
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tiny_apps import write_app

from harness import TestNode, podman, remove_leftovers, running_node

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

APPS = [f"app{number}" for number in range(12)]
CHANCE = random.Random(7)
USES = {app: set(CHANCE.sample(APPS[:number], min(number, CHANCE.randint(0, 2)))) for number, app in enumerate(APPS)}
"""Consumer -> its providers; each is behind its providers in the list, so there is no cycle."""
DIRECT = set(CHANCE.sample(APPS, 3))
"""Apps that may reach the internet."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the twelve apps."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    for app in APPS:
        requires = ", ".join(f"{provider}-ear: {{wait: started}}" for provider in sorted(USES[app]))
        more = f"provides: {{{app}-ear: {{container: main, port: 8000}}}}\nrequires: {{{requires}}}\n"
        write_app(catalog, app, more=more + ("egress: direct\n" if app in DIRECT else ""))
    async with running_node("isolation", apps=catalog) as running:
        for app in APPS:
            if app not in {each["app"] for each in await running.call("container-list")}:
                await running.install(app)
        yield running


def addresses() -> dict[str, str]:
    """Return every address of every app, with whose it is."""
    found = {}
    for app in APPS:
        text = podman("inspect", "--format", "{{json .NetworkSettings.Networks}}", f"archipelago-{app}--main")
        found |= {place["IPAddress"]: app for place in json.loads(text).values()}
    assert "" not in found
    return found


async def reached(node: TestNode, app: str, places: list[str], port: int = 8000) -> set[str]:
    """Return those of some addresses or names to which an app can open a connection."""
    connect = "(busybox nc -w 3 {0} {1} -e /usr/bin/busybox true 2>/dev/null && echo {0}) & "
    tries = "".join(connect.format(place, port) for place in places)
    return set((await node.execute(app, "busybox", "sh", "-c", f"{tries}wait")).split())


async def require_matrix(node: TestNode) -> None:
    """Measure who reaches whom, and compare it with what the manifests declare."""
    whose = addresses()
    names = [f"{app}-ear" for app in APPS]
    users = {app: {user for user in APPS if app in USES[user]} for app in APPS}
    for app in APPS:
        found = {whose[place] for place in await reached(node, app, list(whose))} - {app}
        assert USES[app] <= found, f"{app} does not reach what it declared"
        # A provider is on one network with each of its consumers, and is not kept from them yet.
        assert found <= USES[app] | users[app], f"{app} reaches what it did not declare"
        known = await reached(node, app, names) - {f"{app}-ear"}
        assert known == {f"{provider}-ear" for provider in USES[app]}, f"names that {app} can find"


async def test_an_app_reaches_what_it_declared_and_nothing_else_before_and_after_restarts(node: TestNode) -> None:
    await require_matrix(node)
    provider = max(APPS, key=lambda app: sum(app in uses for uses in USES.values()))
    await node.done(await node.call("container-restart", app=provider))
    podman("rm", "--force", "--time", "0", f"archipelago-{APPS[-1]}--main")
    for app in (provider, APPS[-1]):
        await node.until(app, "healthy")
    await require_matrix(node)


async def test_only_an_app_with_direct_egress_reaches_the_outside(node: TestNode) -> None:
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True)
    own = [line.split()[3].split("/")[0] for line in shown.stdout.splitlines()]
    if not own:
        pytest.skip("this host has no address but loopback's")
    with socket.create_server(("0.0.0.0", 0)) as outside:
        port = outside.getsockname()[1]
        for app in APPS:
            async with asyncio.timeout(30):
                found = await reached(node, app, own[:1], port)
            assert found == (set(own[:1]) if app in DIRECT else set()), app
            # 10.0.2.2 is the host's loopback, where rootless networking offers it.
            assert await reached(node, app, ["127.0.0.1", "10.0.2.2"], port) == set(), app
