"""What else happens while networks are made and swept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import cast

import pytest

from archipelago.container.networks.keeper import NetworkKeeper
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import AlreadyExists, PodmanCall
from archipelago.container.podman_client.models import NetworkDetails
from archipelago.container.podman_client.spec import NetworkSpec

ONE, TWO = (NetworkSpec(name=f"archipelago-{name}", internal=True) for name in ("one", "two"))
Meanwhile = Callable[[], Awaitable[None]]


class Networks:
    """Podman's networks, of which each call can be held up by what happens meanwhile."""

    def __init__(self) -> None:
        self.there: dict[str, NetworkDetails] = {}
        self.unlisted: dict[str, NetworkDetails] = {}
        """Of a former node, or made by a call that a crash cut off."""
        self.meanwhile: dict[str, Meanwhile] = {}

    async def _pass(self, call: str) -> None:
        if (wanted := self.meanwhile.pop(call, None)) is not None:
            await wanted()

    async def list(self, labels: dict[str, str]) -> tuple[NetworkDetails, ...]:
        found = tuple(self.there.values())
        await self._pass("list")
        return found

    async def create(self, spec: NetworkSpec) -> NetworkDetails:
        await self._pass("create")
        if spec.name in self.unlisted:
            raise AlreadyExists(PodmanCall("create network", spec.name), "network name already used")
        number = len(self.there) + 1
        details = NetworkDetails(
            name=spec.name,
            id=spec.name,
            interface="",
            internal=spec.internal,
            isolate=spec.isolate,
            dns_enabled=True,
            labels={},
            created_at=None,
            subnets=(IPv4Network(f"10.89.{number}.0/24"),),
            gateways=(IPv4Address(f"10.89.{number}.1"),),
        )
        self.there[spec.name] = details
        return details

    async def inspect(self, name: str) -> NetworkDetails:
        found = {**self.unlisted, **self.there}[name]
        await self._pass("inspect")
        return found

    async def remove(self, name: str, *, force: bool = False) -> None:
        await self._pass("remove")
        del (self.unlisted if name in self.unlisted else self.there)[name]


def keeper() -> tuple[NetworkKeeper, Networks]:
    networks = Networks()

    class Client:
        def __init__(self) -> None:
            self.networks = networks

    return NetworkKeeper(cast(PodmanClient, Client()), "node"), networks


async def test_what_is_known_may_be_forgotten_while_a_network_is_made_or_looked_at() -> None:
    for call in ("list", "create"):
        kept, networks = keeper()
        await networks.create(TWO)

        async def forget(kept: NetworkKeeper = kept) -> None:
            kept.forget()

        networks.meanwhile[call] = forget
        for _ in range(2):
            assert set(await kept.subnets((ONE, TWO))) == {ONE.name, TWO.name}, call
        assert set(networks.there) == {ONE.name, TWO.name}


async def test_a_network_that_must_be_made_anew_may_be_forgotten_meanwhile() -> None:
    kept, networks = keeper()
    await networks.create(replace(ONE, internal=False))

    async def forget() -> None:
        kept.forget()

    networks.meanwhile["remove"] = forget
    assert set(await kept.subnets((ONE,))) == {ONE.name}
    assert networks.there[ONE.name].internal


async def test_a_network_that_was_made_here_is_made_anew_where_its_app_reaches_more_or_less_from_now_on() -> None:
    kept, networks = keeper()
    for internal in (False, True, False):
        await kept.ensure((replace(ONE, internal=internal, isolate=not internal), TWO))
        assert networks.there[ONE.name].internal is internal
        assert networks.there[TWO.name].internal


@pytest.mark.parametrize("internal", [False, True])
async def test_a_network_that_is_there_and_not_listed_is_taken_only_where_it_leads_to_the_same(internal: bool) -> None:
    kept, networks = keeper()
    networks.unlisted[ONE.name] = await networks.create(replace(ONE, internal=internal))
    del networks.there[ONE.name]
    await kept.ensure((ONE,))
    assert {**networks.unlisted, **networks.there}[ONE.name].internal
    assert (ONE.name in networks.unlisted) is internal


async def test_networks_that_are_listed_are_not_asked_for_one_by_one() -> None:
    kept, networks = keeper()
    await kept.ensure((ONE, TWO))
    kept.forget()

    async def never() -> None:
        raise AssertionError("it was listed")

    networks.meanwhile["inspect"] = never
    assert set(await kept.subnets((ONE, TWO))) == {ONE.name, TWO.name}


async def test_an_app_that_comes_while_networks_are_swept_keeps_its_own() -> None:
    kept, networks = keeper()
    await kept.ensure((ONE,))
    needed = {TWO.name}

    async def install() -> None:
        needed.add(ONE.name)

    networks.meanwhile["list"] = install
    await kept.sweep(lambda: needed, ())
    assert set(networks.there) == {ONE.name}
    needed.clear()
    await kept.sweep(lambda: needed, ())
    assert networks.there == {}


async def test_a_network_that_a_container_was_seen_on_is_not_asked_to_go() -> None:
    kept, networks = keeper()
    await kept.ensure((ONE, TWO))
    await kept.sweep(set, {ONE.name})
    assert set(networks.there) == {ONE.name}
    await kept.sweep(set, ())
    assert networks.there == {}


async def test_an_app_that_comes_while_its_network_is_removed_gets_another() -> None:
    kept, networks = keeper()
    await kept.ensure((ONE,))
    asked: list[asyncio.Task[object]] = []

    async def install() -> None:
        asked.append(asyncio.create_task(kept.ensure((ONE,))))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not asked[0].done()

    networks.meanwhile["remove"] = install
    await kept.sweep(set, ())
    await asked[0]
    assert set(networks.there) == {ONE.name}


async def test_two_who_need_the_same_network_make_it_once() -> None:
    kept, networks = keeper()
    made = 0

    async def count() -> None:
        nonlocal made
        made += 1
        await asyncio.sleep(0)

    networks.meanwhile["create"] = count
    found = await asyncio.gather(*(kept.subnets((ONE,)) for _ in range(5)))
    assert made == 1 and all(each == found[0] for each in found)
