"""What Tor is told, over restarts of either side, by a Tor that exists in memory alone."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.loopback_places import LoopbackPlace, place_of
from archipelago.container.manifest.model.onions import Onions
from archipelago.network.drivers.tor.control_text import ControlError, Reply
from archipelago.network.drivers.tor.tor_control import RunningTor
from archipelago.network.onions.onion_keeper import OnionKeeper
from archipelago.network.onions.onion_keys import onion_name, service_key
from archipelago.network.onions.services import NODE_ADDRESS, TorApp
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.sites import Behind
from archipelago.security.secrets.secret import Secret
from archipelago.support.broadcast import Signal
from support.endpoints import endpoint
from support.sites import DOORS, Recorded

SEED = "of this node"


class MemoryTor:
    """Has onion services, as a real one: until it ends."""

    def __init__(self) -> None:
        self.onions: dict[str, str] = {}
        """Name -> the command that made it."""
        self.seeds: Mapping[tuple[str, str], str] = {}
        self.open = {"7": "a", "8": "b"}
        self.closed: list[str] = []
        self.added = 0
        self.pow = True
        self.answers = True

    async def ask(self, tor: RunningTor, commands: tuple[str, ...]) -> tuple[Reply, ...]:
        if not self.answers:
            raise ControlError("its control port does not answer: refused")
        return tuple(map(self._one, commands))

    def _one(self, command: str) -> Reply:
        what, _, rest = command.partition(" ")
        if what == "ADD_ONION":
            if "PoW" in command and not self.pow:
                return Reply(512, ("Invalid argument",))
            self.added += 1
            key = re.search("ED25519-V3:(\\S+)", command)
            assert key is not None
            seeds = (bytes.fromhex(seed) for seed in self.seeds.values())
            name = next(onion_name(seed) for seed in seeds if service_key(seed) == key[1]).removesuffix(".onion")
            self.onions[name] = command
            return Reply(250, (f"ServiceID={name}", "OK"))
        if what == "DEL_ONION":
            del self.onions[rest]
            return Reply(250, ("OK",))
        if what == "CLOSECIRCUIT":
            self.closed.append(rest)
            return Reply(250, ("OK",))
        if rest == "onions/detached":
            return Reply(250, ("onions/detached=", *self.onions, "OK"))
        if rest == "circuit-status":
            lines = (f"{id} BUILT PURPOSE=HS_SERVICE_REND REND_QUERY={self.open[id]}" for id in self.open)
            return Reply(250, ("circuit-status=", *lines, "OK"))
        return Reply(250, ("status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100", "OK"))


class MemoryFacts:
    def __init__(self) -> None:
        self.value = self.of_node = ""

    async def found_fact(self, key: str) -> str:
        return self.value if key == "onions" else self.of_node

    async def set_fact(self, key: str, value: str) -> None:
        if key == "onions":
            self.value = value
        else:
            self.of_node = value


class Scene:
    """Two apps with a page each, one with a port for wallets, and a Tor."""

    def __init__(self) -> None:
        self.tor, self.facts, self.seeds = MemoryTor(), MemoryFacts(), dict[tuple[str, str], str]()
        self.tor.seeds = self.seeds
        self.runs, self.here = {"a", "b", "tor"}, True
        self.pipes: dict[Path, LoopbackPlace] = {}
        self.login = "own"
        self.word: dict[str, dict[str, str]] = {"a": {}, "b": {}, "tor": {}}
        self.driver = Recorded()
        self.keeper = self.new_keeper()

    def new_keeper(self) -> OnionKeeper:
        """Return what a daemon that has just started has."""
        self.sites = SiteKeeper((self.driver,), DOORS, lambda: self.state, Signal(), SEED)
        return OnionKeeper(
            self.facts,
            SimpleNamespace(ensure=self.ensure),
            self.tor,
            self.running,
            self.sites,
            SimpleNamespace(apply=self.pipe),
            Path("/run/onions"),
            lambda: self.state,
            lambda app: "healthy",
            Signal(),
            8480,
            SEED,
        )

    @property
    def state(self) -> Any:
        page = endpoint(kind="ui", protocol="http", login=self.login, host_port=8001)
        wallets = endpoint(scheme="tcp", host_port=50001)
        apps = {}
        for app in ("a", "b", "tor"):
            onions = Onions(container="main", cookie="state", sockets="/onions") if app == "tor" else None
            endpoints = {} if app == "tor" else {"page": page, "wallets": wallets}
            manifest = SimpleNamespace(endpoints=endpoints, onions=onions)
            package = SimpleNamespace(manifest=manifest)
            record = SimpleNamespace(package=package, ports={}, lan={}, tor=self.word[app])
            workload = SimpleNamespace(containers=[SimpleNamespace(container="main", name=f"x-{app}--main")])
            apps[app] = SimpleNamespace(record=record, workload=workload)
        return SimpleNamespace(apps=apps, wanted=lambda app: app in self.runs)

    def ensure(self, app: str, name: str, kind: object, size: int) -> Secret:
        seed = self.seeds.setdefault((app, name), f"{len(self.seeds) + 1:064x}")
        return Secret(seed, seed[-16:])

    async def running(self, tor: TorApp) -> RunningTor | None:
        assert tor == TorApp("tor", "x-tor--main", self.state.apps["tor"].record.package.manifest.onions)
        return RunningTor(7, 9051, Path("/cookie")) if self.here else None

    async def pipe(self, pipes: Mapping[Path, LoopbackPlace]) -> None:
        self.pipes = dict(pipes)

    async def apply(self) -> dict[str, str]:
        """Return the onion services that Tor has afterwards, by app and endpoint."""
        onions = await self.keeper._with_keys(self.keeper.wanted)
        await self.keeper.apply()
        names = {each.name.removesuffix(".onion"): f"{each.wanted.app}/{each.wanted.endpoint}" for each in onions}
        return {names.get(name, name): command for name, command in self.tor.onions.items()}


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_the_owner_switched_on_is_published_and_nothing_else(scene: Scene) -> None:
    assert await scene.apply() == {} and scene.facts.value == ""
    scene.word["a"] = {"page": "clients", "wallets": "public"}
    found = await scene.apply()
    assert found.keys() == {"a/page", "a/wallets"}
    assert (
        "V3Auth" in found["a/page"]
        and "ClientAuthV3=" in found["a/page"]
        and "Port=80,unix:/onions/" in found["a/page"]
    )
    assert "V3Auth" not in found["a/wallets"] and "Port=50001,unix:/onions/" in found["a/wallets"]
    assert list(scene.pipes.values()) == [LoopbackPlace(LOOPBACK, 50001)]
    assert scene.keeper.problems == () and scene.keeper.progress == 100


async def test_each_page_has_a_door_with_nothing_else_behind_it(scene: Scene) -> None:
    scene.word = {"a": {"page": "clients"}, "b": {"page": "clients"}, "tor": {}}
    await scene.apply()
    doors = [door for door in scene.driver.applied[-1] if door.socket]
    names = [name for door in doors for name in door.names]
    assert [len(door.names) for door in doors] == [1, 1] and len({door.socket for door in doors}) == 2
    assert len(set(names)) == 2 and names == [scene.keeper.name_of("a", "page"), scene.keeper.name_of("b", "page")]
    assert not any(door.on_network or door.tls or door.listens for door in doors)


async def test_a_daemon_that_starts_leaves_alone_what_is_right(scene: Scene) -> None:
    scene.word["a"] = {"page": "clients"}
    before = await scene.apply()
    scene.keeper = scene.new_keeper()
    await scene.keeper.prepare()
    assert [door.socket for door in scene.sites.further], "before anything else is served"
    assert await scene.apply() == before and scene.tor.added == 1
    scene.tor.onions.clear()  # it has started again
    assert await scene.apply() == before and scene.tor.added == 2


async def test_another_client_key_takes_the_place_of_the_one_before_and_its_circuits_end(scene: Scene) -> None:
    scene.word["a"] = {"page": "clients"}
    before = await scene.apply()
    name = next(iter(scene.tor.onions))
    scene.tor.open = {"7": name, "8": "c" * 56}
    scene.seeds["a", "onion-client.page"] = "f" * 64
    after = await scene.apply()
    assert next(iter(scene.tor.onions)) == name, "the address stays"
    assert after["a/page"] != before["a/page"] and scene.tor.closed == ["7"]


async def test_what_is_switched_off_or_removed_ends(scene: Scene) -> None:
    scene.word = {"a": {"page": "clients"}, "b": {"page": "clients"}, "tor": {}}
    await scene.apply()
    scene.word["a"] = {"page": "off"}
    assert (await scene.apply()).keys() == {"b/page"}
    scene.runs.discard("b")
    assert await scene.apply() == {} and scene.facts.value == ""
    assert scene.keeper.name_of("a", "page") is None


async def test_a_tor_without_the_defence_gets_the_service_without_it(scene: Scene) -> None:
    scene.tor.pow = False
    scene.word["a"] = {"page": "clients"}
    assert "PoW" not in (await scene.apply())["a/page"] and scene.keeper.problems == ()


async def test_what_does_not_work_is_told_until_it_does(scene: Scene) -> None:
    scene.word["a"] = {"page": "clients"}
    scene.runs.discard("tor")
    await scene.apply()
    assert "no Tor is installed" in scene.keeper.problems[0] and "a/page" in scene.keeper.problems[0]
    scene.runs.add("tor")
    scene.here = False
    await scene.apply()
    assert "tor does not run" in scene.keeper.problems[0]
    scene.here, scene.tor.answers = True, False
    await scene.apply()
    assert "does not answer" in scene.keeper.problems[0]
    scene.tor.answers = True
    assert (await scene.apply()).keys() == {"a/page"} and scene.keeper.problems == ()


async def test_a_crash_between_publishing_and_writing_it_down_publishes_again(scene: Scene) -> None:
    scene.word["a"] = {"page": "clients"}
    before = await scene.apply()
    scene.facts.value = ""
    assert await scene.apply() == before and scene.tor.added == 2
    await asyncio.gather(scene.keeper.apply(), scene.keeper.apply())
    assert scene.tor.added == 2


async def test_the_nodes_own_page_is_reached_past_the_web_server_of_apps_and_never_without_a_key(scene: Scene) -> None:
    named: list[frozenset[str]] = []
    scene.keeper.on_named = named.append
    await scene.keeper.set_for_node(True)
    found = await scene.apply()
    assert found.keys() == {"tor/node.page"} and "ClientAuthV3=" in found["tor/node.page"]
    assert list(scene.pipes.values()) == [LoopbackPlace(NODE_ADDRESS, 8480)] and not any(
        door.socket for door in scene.sites.further
    )
    assert named[-1] == {scene.keeper.name_of("tor", "node.page")}
    scene.keeper = scene.new_keeper()
    await scene.keeper.prepare()
    assert (await scene.apply()).keys() == found.keys(), "the next daemon knows it"
    scene.keeper.on_named = named.append
    await scene.keeper.set_for_node(False)
    assert await scene.apply() == {} and named[-1] == frozenset()


async def test_the_nodes_login_stands_in_front_of_a_page_without_one_through_tor_too(scene: Scene) -> None:
    scene.login, scene.word["a"] = "none", {"page": "public"}
    assert "ClientAuthV3=" in (await scene.apply())["a/page"], "it is never public, whatever is stored"
    (door,) = scene.sites.further
    page = scene.state.apps["a"].record.package.manifest.endpoints["page"]
    name = scene.keeper.name_of("a", "page")
    assert door.names == {name: Behind(place_of("a", "page", page, 8001, SEED), guarded=True)}
    assert scene.sites.guarded >= {f"http://{name}"} and scene.pipes == {}
    assert door.pages == () and "tor-node on" in scene.keeper.problems[0] and "a/page" in scene.keeper.problems[0]
    await scene.keeper.set_for_node(True)
    await scene.apply()
    (door,) = scene.sites.further
    assert door.pages == (f"http://{scene.keeper.name_of('tor', 'node.page')}",) and scene.keeper.problems == ()
