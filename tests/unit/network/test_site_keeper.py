"""Sites follow the apps and the addresses of the node, until the node goes down."""

import asyncio
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.sites import Behind
from archipelago.support.broadcast import Signal
from support.endpoints import endpoint
from support.sites import DOORS, Recorded


class OneApp:
    """The desired state of one app with a page."""

    def __init__(self) -> None:
        self.runs = True
        self.switches: dict[str, bool] = {}

    @property
    def apps(self) -> dict[str, Any]:
        page = endpoint(kind="ui", protocol="http", login="own")
        manifest = SimpleNamespace(endpoints={"page": page})
        record = SimpleNamespace(
            package=SimpleNamespace(manifest=manifest), ports={"page": 9000}, lan=self.switches, tor={}
        )
        return {"mempool": SimpleNamespace(record=record)}

    def wanted(self, app: str) -> bool:
        return self.runs


def keeper_of(apps: Any, driver: Recorded, changed: Signal) -> SiteKeeper:
    return SiteKeeper((driver,), DOORS, lambda: apps, changed)


async def test_sites_come_and_go_with_their_app() -> None:
    apps, driver, changed = OneApp(), Recorded(), Signal()
    keeper = keeper_of(apps, driver, changed)
    await keeper.move(())
    assert driver.applied[-1][0].names == {"mempool.localhost": Behind(LoopbackPlace(LOOPBACK, 9000))}
    following = asyncio.create_task(keeper.follow())
    async with asyncio.timeout(10):
        for runs in (False, True):
            apps.runs = runs
            changed.notify()
            while bool(driver.applied[-1]) != runs:
                await asyncio.sleep(0)
    following.cancel()
    await keeper.halt()
    assert driver.applied[-1] == (), "the node goes down, though the app is wanted"
    await keeper.apply()
    assert driver.applied[-1] == ()


async def test_what_does_not_work_is_told_until_it_does() -> None:
    driver = Recorded(problems=("port 8443 is taken",))
    keeper = keeper_of(OneApp(), driver, Signal())
    await keeper.apply()
    assert keeper.problems == ("port 8443 is taken",)
    driver.problems = ()
    await keeper.apply()
    assert keeper.problems == ()


async def test_the_firewall_lets_through_what_is_open_and_no_loopback() -> None:
    apps, here = OneApp(), IPv4Address("192.168.1.5")
    keeper = keeper_of(apps, Recorded(), Signal())
    await keeper.move((here,))
    assert keeper.on_network == frozenset()
    apps.switches = {"page": True}
    assert keeper.on_network == {(here, DOORS.http_port), (here, DOORS.https_port)}
