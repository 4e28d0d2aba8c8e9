"""Who reaches whom: twelve apps with a random graph of dependencies, measured from within each container.

The outside is a machine of its own behind a network namespace (scripts/with-outside).
"""

import asyncio
import json
import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import pytest
import pytest_asyncio

from support.checkout import APPS as OWN_APPS
from support.harness import APPS_AT, TestNode, free_port, podman, remove_leftovers, running_node
from support.healthy_again import healthy_since, until_healthy_again
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

APPS = [f"app{number}" for number in range(12)]
CHANCE = random.Random(7)
USES = {app: set(CHANCE.sample(APPS[:number], min(number, CHANCE.randint(0, 2)))) for number, app in enumerate(APPS)}
"""Consumer -> its providers; each is behind its providers in the list, so there is no cycle."""
OUTWARD = CHANCE.sample(APPS, 4)
DIRECT, LAN = set(OUTWARD[:3]), set(OUTWARD[3:])
"""Apps that may reach the internet; and those that may reach the local network too."""
OFFERED, HIDDEN = 8000, 9000
"""Ports on which each app listens, of which it offers the first."""
_TOGETHER = 4
"""Apps from within which it is measured at once; more would wait for the processor, and then time limits count."""
TWO_PORTS = f'[sh, -c, "busybox httpd -p {HIDDEN} -h / && exec busybox httpd -f -p {OFFERED} -h /"]'
INTERNET, LOCAL, PORT, HOST = os.environ["ARCHIPELAGO_OUTSIDE"].split()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node with the twelve apps."""
    remove_leftovers()
    catalog = tmp_path_factory.mktemp("catalog")
    for app in APPS:
        requires = ", ".join(f"{provider}-ear: {{wait: started}}" for provider in sorted(USES[app]))
        more = f"provides: {{{app}-ear: {{container: main, port: 8000}}}}\nrequires: {{{requires}}}\n"
        more += "egress: direct\n" if app in DIRECT else "egress: lan\n" if app in LAN else ""
        more += f"endpoints: {{ear: {{kind: ui, container: main, port: {OFFERED}, host_port: {free_port()}}}}}\n"
        write_app(catalog, app, command=TWO_PORTS, more=more)
    hidden = "requires: {tor-socks: {wait: started}}\negress: tor\n"
    write_app(catalog, "hidden", command=TWO_PORTS, more=hidden)
    shutil.copytree(OWN_APPS / "tor", catalog / "tor")
    async with running_node("isolation", apps=catalog) as running:
        for app in APPS:
            if app not in {each["app"] for each in await running.call("container-list")}:
                await running.install(app)
        yield running


def addresses_of(*apps: str) -> dict[str, str]:
    """Return every address of these apps, with whose it is."""
    names = [f"archipelago-{app}--main" for app in apps]
    lines = podman("inspect", "--format", "{{json .NetworkSettings.Networks}}", *names).splitlines()
    found = {
        str(place["IPAddress"]): app
        for app, line in zip(apps, lines, strict=True)
        for place in json.loads(line).values()
    }
    assert "" not in found
    return found


async def together(apps: Iterable[str], look: Callable[[str], Awaitable[None]]) -> None:
    """Look from within some apps at a time: a command in a container mostly waits for Podman."""
    waiting = list(apps)
    while waiting:
        await asyncio.gather(*map(look, waiting[:_TOGETHER]))
        del waiting[:_TOGETHER]


async def reached(node: TestNode, app: str, places: list[str], port: int = OFFERED) -> set[str]:
    """Return those of some addresses or names to which an app can open a connection."""
    connect = "(busybox nc -w 15 {0} {1} -e /usr/bin/busybox true 2>/dev/null && echo {0}) & "
    tries = "".join(connect.format(place, port) for place in places)
    return set((await node.execute(app, "busybox", "sh", "-c", f"{tries}wait")).split())


async def name_server(node: TestNode, app: str) -> str:
    """Return the address of an app's name server."""
    return (await node.execute(app, "busybox", "awk", "/^nameserver/ {print $2; exit}", "/etc/resolv.conf")).strip()


async def asked(node: TestNode, app: str, name: str, server: str = "", patience: int = 15) -> str:
    """Return what an app is told when it asks a name server, by default its own, for the address of a name."""
    server = server or await name_server(node, app)
    lookup = f"busybox timeout {patience} busybox nslookup -type=a {name} {server} 2>&1; true"
    return await node.execute(app, "busybox", "sh", "-c", lookup)


async def require_matrix(node: TestNode) -> None:
    """Measure who reaches whom, and compare it with what the manifests declare."""
    whose = addresses_of(*APPS)
    names = [f"{app}-ear" for app in APPS]

    async def look(app: str) -> None:
        found = {whose[place] for place in await reached(node, app, list(whose))} - {app}
        assert found == USES[app], f"{app} reaches"
        assert {whose[place] for place in await reached(node, app, list(whose), HIDDEN)} <= {app}
        known = await reached(node, app, names) - {f"{app}-ear"}
        assert known == {f"{provider}-ear" for provider in USES[app]}, f"names that {app} can find"

    await together(APPS, look)


async def knock(host: str, port: int) -> str:
    """Have the machine outside open a connection, and return what came of it."""
    reader, writer = await asyncio.open_connection(INTERNET, int(PORT))
    writer.write(f"GET /knock/{host}/{port} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def test_an_app_reaches_what_it_declared_and_nothing_else_before_and_after_restarts(node: TestNode) -> None:
    await require_matrix(node)
    provider = max(APPS, key=lambda app: sum(app in uses for uses in USES.values()))
    await node.done(await node.call("container-restart", app=provider))
    before = await healthy_since(node, APPS[-1])
    podman("rm", "--force", "--time", "0", f"archipelago-{APPS[-1]}--main")
    await until_healthy_again(node, APPS[-1], before)
    await node.until(provider, "healthy")
    await require_matrix(node)


async def test_an_app_that_came_late_changes_nothing_for_the_others(node: TestNode) -> None:
    assert node.apps is not None
    write_app(node.apps, "late", command=TWO_PORTS, more="requires: {app0-ear: {wait: started}}\n")
    await node.install("late")
    try:
        assert await reached(node, "late", ["app0-ear"]) == {"app0-ear"}
        for port in (OFFERED, HIDDEN):
            assert await reached(node, "app0", list(addresses_of("late")), port) == set()
        await require_matrix(node)
    finally:
        await node.done(await node.call("container-remove", app="late", delete_data=True))


async def test_a_daemon_that_comes_back_guards_what_runs(node: TestNode) -> None:
    victim = next(app for app in APPS if app not in DIRECT | LAN)
    pid = podman("inspect", "--format", "{{.State.Pid}}", f"archipelago-{victim}--main")
    node.kill()
    podman("unshare", "nsenter", "--net", "--target", pid, "nft", "flush", "ruleset")
    await node.start()
    async with asyncio.timeout(150):
        while "policy drop" not in podman("unshare", "nsenter", "--net", "--target", pid, "nft", "list", "ruleset"):
            await asyncio.sleep(0.1)  # the kernel tells nobody
    await node.until(victim, "healthy")
    await require_matrix(node)


async def test_only_an_app_with_egress_reaches_the_outside_and_only_as_far_as_declared(node: TestNode) -> None:
    with socket.create_server(("0.0.0.0", 0)) as service:
        port = service.getsockname()[1]

        async def look(app: str) -> None:
            declared = {INTERNET} if app in DIRECT else {INTERNET, LOCAL} if app in LAN else set()
            assert await reached(node, app, [INTERNET, LOCAL], int(PORT)) == declared, app
            # 10.0.2.2 is the host's loopback, where rootless networking offers it.
            host = [HOST, "198.51.100.1", "127.0.0.1", "10.0.2.2"]
            assert await reached(node, app, host, port) == set(), app

        await together(APPS, look)


async def test_the_local_network_is_not_what_runs_the_containers(node: TestNode) -> None:
    """slirp4netns answers questions at 10.0.2.3, and each network of Podman has a name server of its own."""
    servers: dict[str, str] = {}

    async def note(app: str) -> None:
        servers[app] = await name_server(node, app)

    async def look(app: str) -> None:
        on = {address.rpartition(".")[0] for address in addresses_of(app)}
        others = {server for server in servers.values() if server.rpartition(".")[0] not in on}
        assert len(others) > len(APPS) // 2
        for server in ("10.0.2.3", *sorted(others)):
            answer = await asked(node, app, "archipelago.example", server)
            assert "not permitted" in answer or "refused" in answer, f"{app} asks {server}: {answer}"
        assert await reached(node, app, [*others, "10.0.2.3", "169.254.169.254"], 53) == set()

    await together(APPS, note)
    await together(DIRECT | LAN, look)


async def test_names_of_the_outside_are_for_those_alone_who_reach_it(node: TestNode) -> None:
    async def look(app: str) -> None:
        may_ask = app in DIRECT | LAN
        answer = await asked(node, app, "archipelago.example", patience=3 if may_ask else 15)  # nobody answers here
        assert ("not permitted" not in answer) is may_ask, f"{app}: {answer}"
        for provider in USES[app]:
            assert "Address" in (await asked(node, app, f"{provider}-ear")).partition("\n\n")[2], f"{app}: {provider}"

    await together(APPS, look)
    # Over TCP nothing may be asked at all.
    shut = next(app for app in APPS if app not in DIRECT | LAN)
    assert await reached(node, shut, [await name_server(node, shut)], 53) == set()


async def test_an_app_behind_tor_reaches_tor_and_nothing_else(node: TestNode) -> None:
    await node.install("hidden")
    async with asyncio.timeout(100):
        while await reached(node, "hidden", ["tor-socks"], 9050) != {"tor-socks"}:
            pass  # Tor, which the app does not wait for, may not have opened its port yet
    assert await reached(node, "hidden", ["tor-socks", INTERNET, LOCAL, HOST], 9050) == {"tor-socks"}
    assert await reached(node, "hidden", [INTERNET, LOCAL], int(PORT)) == set()
    assert "not permitted" in await asked(node, "hidden", "archipelago.example")
    greeting = "busybox printf '\\005\\001\\000' | busybox nc -w 5 tor-socks 9050 | busybox od -An -tx1"
    assert (await node.execute("hidden", "busybox", "sh", "-c", greeting)).split() == ["05", "00"]


async def test_endpoints_are_there_for_the_host_alone(node: TestNode) -> None:
    places = [place for app in APPS for place in (await node.call("container-status", app=app))["endpoints"]]
    ports = [int(place["address"].partition(":")[2]) for place in places]
    assert len(ports) == len(APPS)
    for port in ports:
        socket.create_connection((APPS_AT, port), timeout=15).close()
        assert "refused" in await knock("127.0.0.1", port), "names below .localhost lead there"
        assert "refused" in await knock(HOST, port)
