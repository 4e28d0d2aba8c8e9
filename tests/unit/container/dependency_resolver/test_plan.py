"""What a plan asks of the owner, its ports, and that it survives its way to a client."""

import dataclasses
from typing import Any

import pytest

from archipelago.container.dependency_resolver.asks import disk_warnings
from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.order import find_cycle, reaches, start_order
from archipelago.container.dependency_resolver.plan import Action, FetchKind, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.build_facts import BuildCode, BuildFacts, BuildSource, SourceKind, build_facts
from archipelago.container.manifest.model.app import AppManifest, Architecture, Egress
from archipelago.container.manifest.model.data import DataClass, Reversible
from archipelago.container.manifest.model.endpoints import Access
from support import app_manifests
from support.catalogs import catalog_of

MIB = 1024**2


def app(name: str, *ports: int, **parts: Any) -> AppManifest:
    endpoints = {
        f"web-{port}": {
            "kind": "ui",
            "container": "main",
            "port": 80,
            "host_port": port,
            "access": ["host"],
            "label": "Page",
        }
        for port in ports
    }
    return app_manifests.app(name, **{"endpoints": endpoints, **parts})


def test_what_building_an_image_executes_and_what_it_is_made_of() -> None:
    def facts(**recipe: Any) -> tuple[list[str], list[tuple[str, bool]]]:
        manifest = app("a", containers={"main": {"build": recipe}})
        found = manifest.containers["main"].build
        assert found is not None
        told = build_facts(found)
        return [code.value for code in told.executes], [(each.kind.value, each.pinned) for each in told.sources]

    files = [{"source": "f", "path": "/f"}]
    assert facts(type="packages", packages=["x"]) == ([], [("debian", False)])
    assert facts(type="packages", packages=["x=1"], python="requirements.txt", files=files)[1] == [
        ("debian", False),
        ("pypi", True),
        ("folder", True),
    ]
    python = facts(type="packages", packages=["x"], python="a.txt", python_build={"requirements": "b.txt"})
    assert python == ([BuildCode.PYTHON.value], [("debian", False), ("pypi", True)])
    npm = facts(type="packages", packages=["nodejs"], npm={})
    assert npm == ([], [("debian", False), ("npm", True)])
    commands = [BuildCode.COMMANDS.value]
    assert facts(type="containerfile", base={"packages": ["x"]}) == (commands, [("debian", False), ("folder", True)])
    assert facts(type="containerfile") == (commands, [("registry", True), ("folder", True)])


class TestPorts:
    def test_a_clash_moves_the_later_to_a_port_that_nobody_proposes(self) -> None:
        catalog = catalog_of(app("a", 8080), app("b", 8080), app("c", 8081))
        plan = resolve(catalog, {}, Request(install=("a", "b", "c")))
        assert plan.ports == {"a/web-8080": 8080, "b/web-8080": 8082, "c/web-8081": 8081}
        assert plan.warnings == ("b/web-8080 gets port 8082, as 8080 is taken by a/web-8080",)

    def test_what_was_given_stays(self) -> None:
        installed = {"b": InstalledApp(app("b", 8080), ports={"web-8080": 8080})}
        plan = resolve(catalog_of(app("a", 8080), app("b", 8080)), installed, Request(install=("a",)))
        assert plan.ports == {"a/web-8080": 8081, "b/web-8080": 8080}
        assert plan.endpoint_ports("b") == {"web-8080": 8080}

    def test_a_moved_port_stays_when_its_proposal_is_free_again(self) -> None:
        installed = {"b": InstalledApp(app("b", 8080), ports={"web-8080": 8081})}
        assert resolve({}, installed, Request()).ports == {"b/web-8080": 8081}

    def test_removal_frees_a_port(self) -> None:
        installed = {"b": InstalledApp(app("b", 8080), ports={"web-8080": 8080})}
        plan = resolve(catalog_of(app("a", 8080)), installed, Request(install=("a",), remove=("b",)))
        assert plan.ports == {"a/web-8080": 8080}

    def test_reserved_ports_are_left_alone(self) -> None:
        plan = resolve(catalog_of(app("a", 8480)), {}, Request(install=("a",)), reserved_ports={8480})
        assert plan.ports == {"a/web-8480": 8481}
        assert "taken by the node" in plan.warnings[0]

    def test_after_the_last_comes_the_first_that_is_not_well_known(self) -> None:
        plan = resolve(catalog_of(app("a", 65535), app("b", 65535)), {}, Request(install=("a", "b")))
        assert plan.ports["b/web-65535"] == 1024

    def test_a_port_that_only_root_may_use_is_given_to_nobody(self) -> None:
        host = HostFacts(Architecture.AMD64, memory=1 << 34, cores=2, free_disk=1 << 40, first_port=1024)
        catalog = catalog_of(app("a", 81), app("b", 1024))
        plan = resolve(catalog, {}, Request(install=("a", "b")), host)
        assert plan.ports == {"a/web-81": 1025, "b/web-1024": 1024}
        assert plan.warnings == ("a/web-81 gets port 1025, as only root may listen on 81",)
        allowed = dataclasses.replace(host, first_port=80)
        assert resolve(catalog, {}, Request(install=("a",)), allowed).ports == {"a/web-81": 81}

    def test_a_port_that_was_given_stays_even_if_only_root_may_use_it_by_now(self) -> None:
        host = HostFacts(Architecture.AMD64, memory=1 << 34, cores=2, free_disk=1 << 40, first_port=1024)
        installed = {"a": InstalledApp(app("a", 81), ports={"web-81": 81})}
        assert resolve({}, installed, Request(), host).ports == {"a/web-81": 81}

    def test_there_is_an_end(self) -> None:
        with pytest.raises(ResolutionError) as caught:
            resolve(catalog_of(app("a", 9000)), {}, Request(install=("a",)), reserved_ports=range(1, 65536))
        assert caught.value.reason is ResolutionCode.PORTS_EXHAUSTED


def test_asks_names_what_comes_newly() -> None:
    catalog = catalog_of(
        app(
            "a",
            8080,
            egress="tor",
            host={"memory": "1GiB", "disk": "2GiB"},
            architectures=["amd64"],
            volumes={"data": {"data": "files", "disk": "10MiB"}},
            containers={
                "main": {
                    "image": f"registry.example/a@sha256:{'0' * 64}",
                    "resources": {"memory": "100MiB"},
                    "security": {"capabilities": ["CAP_CHOWN"], "devices": ["/dev/ttyUSB0"]},
                },
                "side": {"build": {"type": "packages", "packages": ["tor"]}, "resources": {"memory": "50MiB"}},
            },
        ),
        app("b", 8081),
    )
    installed = {"b": InstalledApp(catalog["b"], ports={"web-8081": 8081})}
    asks = resolve(catalog, installed, Request(install=("a",))).asks
    assert [(one.container, one.kind, one.source.split("@")[0]) for one in asks.fetches] == [
        ("main", FetchKind.DOWNLOAD, "registry.example/a"),
        ("side", FetchKind.BUILD, "packages"),
    ]
    assert asks.fetches[0].build is None
    assert asks.fetches[1].build == BuildFacts(sources=(BuildSource(kind=SourceKind.DEBIAN, pinned=False),))
    assert (asks.disk, asks.memory) == (10 * MIB, 150 * MIB)
    assert asks.data == {"a": {"data": DataClass.FILES}}
    assert asks.egress == {"a": Egress.TOR}
    assert [(one.app, one.port) for one in asks.endpoints] == [("a", 8080)]
    assert asks.capabilities == {"a": ("CAP_CHOWN",)}
    assert asks.devices == {"a": ("/dev/ttyUSB0",)}
    assert (asks.host.memory, asks.host.disk) == (1024 * MIB, 2048 * MIB)
    assert asks.architectures == (Architecture.AMD64,)


def test_an_update_says_whether_there_is_a_way_back_and_nothing_else_does() -> None:
    catalog = catalog_of(app("a", version="2.0", reversible="yes"), app("b"), app("c"))
    installed = {"a": InstalledApp(app("a", reversible="no")), "b": InstalledApp(catalog["b"])}
    plan = resolve(catalog, installed, Request(update=("a",), install=("c",)))
    assert {one.app: (one.action, one.way_back) for one in plan.apps} == {
        "a": (Action.UPDATE, Reversible.YES),
        "b": (Action.REUSE, None),
        "c": (Action.INSTALL, None),
    }
    assert {one.way_back for one in plan.carried_out.apps} == {None}


def test_an_update_says_what_is_new_and_nothing_else_does() -> None:
    notes = {each: f"What is new in {each}." for each in "abc"}
    catalog = catalog_of(*(app(each, version="2.0", release_notes=text) for each, text in notes.items()))
    installed = {"a": InstalledApp(app("a", release_notes="It is old.")), "b": InstalledApp(catalog["b"])}
    plan = resolve(catalog, installed, Request(update=("a",), install=("c",)))
    assert {one.app: one.release_notes for one in plan.apps} == {"a": notes["a"], "b": None, "c": None}
    assert {one.release_notes for one in plan.carried_out.apps} == {None}


class TestAccess:
    def endpoint(self, *access: str, login: str = "own") -> dict[str, AppManifest]:
        web = {"kind": "ui", "container": "main", "port": 80, "host_port": 8080, "access": access, "login": login}
        return catalog_of(app("a", endpoints={"web": web}))

    def test_what_is_not_carried_out_yet_is_said_before_the_installation(self) -> None:
        (warning,) = resolve(self.endpoint("host", "lan", "internet"), {}, Request(install=("a",))).warnings
        assert warning == (
            "a/web asks to be reachable from the internet, which this version cannot do yet: "
            "it will be reachable on port 8080 of this host and, once you have it listen there, from the local network"
        )
        (warning,) = resolve(self.endpoint("internet"), {}, Request(install=("a",))).warnings
        assert warning.endswith("from the internet, which this version cannot do yet: it will not be reachable at all")

    def test_through_tor_its_owner_can_have_it_reached_where_it_is_on_this_host(self) -> None:
        assert resolve(self.endpoint("host", "tor"), {}, Request(install=("a",))).warnings == ()
        (warning,) = resolve(self.endpoint("tor"), {}, Request(install=("a",))).warnings
        assert warning.endswith("through Tor, which this version cannot do yet: it will not be reachable at all")

    def test_a_page_without_a_login_is_not_said_to_be_on_the_local_network(self) -> None:
        plan = resolve(self.endpoint("host", "lan", login="none"), {}, Request(install=("a",)))
        assert [one.access for one in plan.asks.endpoints] == [(Access.HOST,)]

    def test_nothing_is_said_of_what_is_carried_out_or_was_said_before(self) -> None:
        assert resolve(self.endpoint("host"), {}, Request(install=("a",))).warnings == ()
        catalog = self.endpoint("host", "lan")
        assert resolve(catalog, {"a": InstalledApp(catalog["a"], ports={"web": 8080})}, Request()).warnings == ()


def test_a_plan_survives_json() -> None:
    host = HostFacts(Architecture.AMD64, memory=1 << 34, cores=2, free_disk=1 << 40)
    plan = resolve(catalog_of(app("a", 8080), app("b", 8080)), {}, Request(install=("a", "b")), host)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert plan.planned("nobody") is None


def test_order_and_cycles() -> None:
    needs = {"c": {"b"}, "b": {"a"}, "d": {"a"}}
    assert start_order(["d", "c", "b", "a"], needs) == ["a", "b", "c", "d"]
    assert find_cycle(needs, needs) is None
    assert find_cycle(["a"], {"a": ["b"], "b": ["c"], "c": ["b"]}) == ("b", "c", "b")
    assert reaches("c", "a", needs)
    assert not reaches("a", "c", needs)


def test_how_much_an_app_will_take_depends_on_its_options() -> None:
    options = {
        "network": {"type": "choice", "label": "N", "default": "mainnet", "choices": ["mainnet", "regtest"]},
        "prune": {"type": "int", "label": "P", "default": 0},
    }
    sizes = [
        {"when": {"network": "mainnet", "prune": 0}, "disk": "700GB"},
        {"when": {"network": "mainnet"}, "disk": "20GB"},
    ]
    volumes = {
        "chain": {"data": "rebuildable", "disk": "1GB", "disk_when": sizes},
        "other": {"data": "files", "disk": "2GB"},
    }
    mounts = [{"volume": name, "path": f"/{name}"} for name in volumes]
    image = f"registry.example/a@sha256:{'0' * 64}"
    one = app("a", options=options, volumes=volumes, containers={"main": {"image": image, "mounts": mounts}})
    host = HostFacts(Architecture.AMD64, memory=1 << 34, cores=2, free_disk=50 * 10**9)

    def asked(**given: Any) -> tuple[int, bool]:
        plan = resolve(catalog_of(one), {}, Request(install=("a",), options={"a": given}), host)
        return plan.asks.disk // 10**9, any("expected to take" in warning for warning in plan.warnings)

    assert asked() == (702, True)
    assert asked(prune=550) == (22, False)
    assert asked(network="regtest") == (3, False)


def test_options_that_need_more_than_the_free_disk_are_said_to() -> None:
    options = {"network": {"type": "choice", "label": "N", "default": "regtest", "choices": ["mainnet", "regtest"]}}
    large = [{"when": {"network": "mainnet"}, "disk": "750GB"}]
    volumes = {"chain": {"data": "rebuildable", "disk": "1GB", "disk_when": large}}
    image = f"registry.example/a@sha256:{'0' * 64}"
    containers = {"main": {"image": image, "mounts": [{"volume": "chain", "path": "/chain"}]}}
    one = app("a", options=options, volumes=volumes, containers=containers)
    catalog, installed = catalog_of(one), {"a": InstalledApp(one)}
    before = resolve(catalog, installed, Request())
    after = resolve(catalog, installed, Request(options={"a": {"network": "mainnet"}}))
    (warning,) = disk_warnings(before, after, {"a": one}, 50 * 10**9)
    assert warning.endswith("is expected to take 698.5 GiB, and 46.6 GiB of disk are free")
    assert disk_warnings(before, after, {"a": one}, 10**12) == disk_warnings(after, after, {"a": one}, 0) == ()
