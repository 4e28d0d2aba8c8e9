"""Routes follow the apps, the owner's switches and the addresses, whatever makes them work."""

import asyncio
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.exposure import is_behind_login, is_open
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.routes import AppEndpoints, Route, routes
from archipelago.support.broadcast import Signal
from support.endpoints import endpoint

HERE, THERE = IPv4Address("192.168.1.5"), IPv4Address("192.168.1.77")
ADDRESSES = st.lists(st.sampled_from([HERE, THERE]), unique=True)
ENDPOINTS = st.builds(
    endpoint,
    kind=st.sampled_from(["ui", "api", "p2p"]),
    protocol=st.sampled_from(["http", "tcp"]),
    login=st.sampled_from(["own", "none"]),
    access=st.lists(st.sampled_from(["host", "lan", "tor"]), unique=True),
    host_port=st.integers(8000, 8004),
)
APPS = st.lists(
    st.builds(
        AppEndpoints,
        st.dictionaries(st.sampled_from(["one", "two"]), ENDPOINTS),
        st.dictionaries(st.sampled_from(["one", "two"]), st.integers(9000, 9004)),
        st.dictionaries(st.sampled_from(["one", "two"]), st.booleans()),
    ),
    max_size=4,
)


@given(APPS, ADDRESSES)
def test_each_open_endpoint_is_reached_at_each_address_and_nothing_else_is(
    apps: list[AppEndpoints], addresses: list[IPv4Address]
) -> None:
    found = routes(apps, addresses)
    open_ports = {
        app.ports.get(name, each.host_port)
        for app in apps
        for name, each in app.endpoints.items()
        if is_open(each, app.chosen.get(name)) and not is_behind_login(each)
    }
    assert {(route.address, route.port) for route in found} == {(a, port) for a in addresses for port in open_ports}
    assert found == routes(list(reversed(apps)), list(reversed(addresses))), "in one order, wherever they come from"


class Apps:
    """Stands for the desired state: apps, each with one port open to the local network."""

    def __init__(self, **ports: int) -> None:
        self.ports = ports
        self.stopped: set[str] = set()

    @property
    def apps(self) -> Mapping[str, Any]:
        manifest = SimpleNamespace(endpoints={"api": endpoint(access=["host", "lan"])})
        package = SimpleNamespace(manifest=manifest)
        return {
            app: SimpleNamespace(record=SimpleNamespace(package=package, ports={"api": port}, lan={}, tor={}))
            for app, port in self.ports.items()
        }

    def wanted(self, app: str) -> bool:
        return app not in self.stopped


class Recorder:
    """A driver that has every route but one port, and takes a turn of the loop for it."""

    def __init__(self, taken: int = 0) -> None:
        self.taken = taken
        self.ports: list[int] = []
        self.busy = False
        self.closed = False

    async def apply(self, routes: Collection[Route]) -> Mapping[Route, str]:
        assert not self.busy, "calls do not overlap"
        self.busy = True
        await asyncio.sleep(0)
        self.ports = [route.port for route in routes]
        self.busy = False
        return {route: "the port is taken" for route in routes if route.port == self.taken}

    async def close(self) -> None:
        self.closed = True


def keeper_of(apps: Any, changed: Signal, *drivers: Recorder) -> RouteKeeper:
    return RouteKeeper(drivers, lambda: apps, changed)


async def test_every_driver_gets_the_routes_and_their_problems_are_told_together() -> None:
    first, second = Recorder(taken=1), Recorder(taken=2)
    keeper = keeper_of(Apps(anchor=1, buoy=2, crane=3), Signal(), first, second)
    await keeper.move((HERE,))
    assert first.ports == second.ports == [1, 2, 3]
    assert keeper.problems == (f"{HERE} port 1: the port is taken", f"{HERE} port 2: the port is taken")
    await keeper.move(())
    assert first.ports == second.ports == [] and keeper.problems == ()
    await keeper.close()
    assert first.closed and second.closed


async def test_the_newest_apps_win_however_many_ask_at_once() -> None:
    apps, driver = Apps(anchor=1), Recorder()
    keeper = keeper_of(apps, Signal(), driver)
    first = asyncio.create_task(keeper.move((HERE,)))
    await asyncio.sleep(0)
    apps.ports = {"buoy": 2}
    await asyncio.gather(first, *(keeper.apply() for _ in range(3)))
    assert driver.ports == [2]


async def test_routes_follow_an_app_that_stops_and_one_that_comes() -> None:
    apps, changed, driver = Apps(anchor=1, buoy=2), Signal(), Recorder()
    keeper = keeper_of(apps, changed, driver)
    await keeper.move((HERE,))
    following = asyncio.create_task(keeper.follow())
    async with asyncio.timeout(10):
        for stopped, expected in (({"anchor"}, [2]), ({"anchor", "buoy"}, []), (set(), [1, 2])):
            apps.stopped = stopped
            changed.notify()
            while driver.ports != expected:
                await asyncio.sleep(0)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
