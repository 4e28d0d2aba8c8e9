"""Names of sites, announced by real multicast on loopback and looked up by another responder."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Address

import pytest
import pytest_asyncio
from zeroconf import AddressResolverIPv4, IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.drivers.mdns import MdnsDriver
from archipelago.network.sites import Behind, Door, WebSite, doors
from support.loopback_addresses import own_address
from support.sites import DOORS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.no_containers]

HERE, PHONE, THERE = own_address(), own_address(), own_address()


def network(*labels: str, address: IPv4Address = HERE) -> tuple[Door, ...]:
    """Return the doors of the local network, of which an address of loopback takes the place."""
    behind = Behind(LoopbackPlace(HERE, 8000))
    made = doors([WebSite(label, behind, open=True) for label in labels], DOORS, [address])
    return tuple(Network(door.name, door.listens, door.names, door.tls) for door in made if door.name == "network-tls")


class Network(Door):
    """A door that counts as one of the network, wherever it is."""

    @property
    def on_network(self) -> bool:
        return True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone() -> AsyncIterator[AsyncZeroconf]:
    """Another device."""
    responder = AsyncZeroconf(interfaces=[str(PHONE)], ip_version=IPVersion.V4Only)
    yield responder
    await responder.async_close()


ANSWERED = 20_000
"""Milliseconds in which somebody answers who is there; a responder lets a second pass before it says the same again."""


async def asked(phone: AsyncZeroconf, name: str, patience: int = ANSWERED) -> set[str]:
    """Return the addresses that the network has for a name."""
    phone.zeroconf.cache.async_expire(float("inf"))
    resolver = AddressResolverIPv4(f"{name}.")
    await resolver.async_request(phone.zeroconf, patience)
    return {str(address) for address in resolver.ip_addresses_by_version(IPVersion.V4Only)}


async def until_nobody_answers(phone: AsyncZeroconf, name: str) -> None:
    """Return once the network has no address for a name; an answer that was on its way may come after the farewell."""
    async with asyncio.timeout(40):
        while await asked(phone, name, 2000):
            pass


async def test_what_is_open_has_a_name_that_other_devices_find_and_loses_it(phone: AsyncZeroconf) -> None:
    driver = MdnsDriver()
    assert await driver.apply(()) == ()
    await until_nobody_answers(phone, "mempool-island.local")
    assert await driver.apply(network("mempool", "explorer")) == ()
    assert await asked(phone, "mempool-island.local") == {str(HERE)}
    assert await asked(phone, "explorer-island.local") == {str(HERE)}
    assert await driver.apply(network("mempool")) == ()
    await until_nobody_answers(phone, "explorer-island.local")
    assert await asked(phone, "mempool-island.local") == {str(HERE)}
    await driver.close()
    await until_nobody_answers(phone, "mempool-island.local")


async def test_a_name_that_another_machine_has_is_left_to_it(phone: AsyncZeroconf) -> None:
    service = "_https._tcp.local."
    other = ServiceInfo(service, f"x.{service}", addresses=[THERE.packed], port=1, server="mempool-island.local.")
    await (await phone.async_register_service(other))
    driver = MdnsDriver()
    (problem,) = await driver.apply(network("mempool", "explorer"))
    assert problem == f"mempool-island.local is the name of another machine, {THERE}"
    assert await asked(phone, "explorer-island.local") == {str(HERE)}, "other names are not disturbed"
    await (await phone.async_unregister_service(other))
    async with asyncio.timeout(200):
        while await driver.apply(network("mempool", "explorer")):
            await asyncio.sleep(0.1)  # what was heard of it is forgotten
    await driver.close()
