"""Doors to the sites of apps: what is behind each, for random apps, switches and addresses."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.trust import PublicFile
from archipelago.container.manifest.exposure import is_behind_login
from archipelago.container.manifest.loopback_places import LoopbackPlace, place_of
from archipelago.network.routes import AppEndpoints, routes
from archipelago.network.sites import LOOPBACKS, Behind, WebSite, doors, guarded_origins, sites
from support.endpoints import endpoint
from support.sites import DOORS

HERE = IPv4Address("192.168.1.5")
SEED = "a secret"
PAGES = st.builds(endpoint, kind=st.just("ui"), protocol=st.just("http"), login=st.sampled_from(["own", "none"]))
APPS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.builds(
        lambda page, port, switch: AppEndpoints(
            {"page": page}, {"page": port}, {} if switch is None else {"page": switch}
        ),
        PAGES,
        st.integers(1024, 65535),
        st.sampled_from([None, True, False]),
    ),
    max_size=6,
)


def test_without_a_site_there_is_no_door() -> None:
    assert doors((), DOORS, [HERE]) == ()
    assert sites({"electrumx": AppEndpoints({"electrum": endpoint(scheme="tcp")}, {}, {})}, SEED) == ()


@given(APPS, st.sets(st.sampled_from([HERE, IPv4Address("10.0.0.7")])))
def test_the_network_finds_what_is_open_and_nothing_else(
    apps: Mapping[str, AppEndpoints], addresses: set[IPv4Address]
) -> None:
    found = sites(apps, SEED)
    behind = {app: behind_of(app, one) for app, one in apps.items()}
    made = {door.name: door for door in doors(found, DOORS, sorted(addresses))}
    assert bool(made) == bool(apps)
    for door in made.values():
        at = {address for address, _ in door.listens}
        if door.name.startswith("loopback"):
            assert at == set(LOOPBACKS)
            assert door.names == {f"{app}.localhost": found for app, found in behind.items()}
            continue
        assert at == addresses, "nothing of the network is at loopback, and nothing of loopback on the network"
        opened = {app for app, one in apps.items() if one.chosen.get("page")}
        assert door.names == {f"{app}-island.local": behind[app] for app in opened} and opened
        assert door.tls or door.moved_to == DOORS.https_port, "nothing but TLS on the network"


def test_what_anybody_may_have_is_there_without_an_app_once_the_node_is_on_the_network() -> None:
    page, probe = PublicFile("/certificate", "text/html", b""), PublicFile("/x", "text/plain", b"", by_https=True)
    assert doors((), DOORS, [], (page, probe)) == ()
    made = {door.name: door for door in doors((), DOORS, [HERE], (page, probe))}
    assert made["network"].public == (page, probe) and made["network-tls"].public == (probe,)
    assert made["network"].own == made["network-tls"].own == ("island.local", str(HERE))
    assert made["loopback-tls"].public == (probe,) and not made["loopback"].public
    assert not any(door.names for door in made.values())


def behind_of(app: str, one: AppEndpoints) -> Behind:
    page = one.endpoints["page"]
    return Behind(place_of(app, "page", page, one.ports["page"], SEED), is_behind_login(page))


@given(APPS)
def test_the_nodes_login_stands_in_front_of_each_page_without_one_by_every_door(
    apps: Mapping[str, AppEndpoints],
) -> None:
    made = doors(sites(apps, SEED), DOORS, [HERE])
    expected = set()
    for app, one in apps.items():
        if one.endpoints["page"].login.value == "none":
            expected |= {f"http://{app}.localhost:8481", f"https://{app}.localhost:8443"}
            if one.chosen.get("page"):
                expected.add(f"https://{app}-island.local:8443")
    assert guarded_origins(made) == expected
    for door in made:
        on_network = ("https://island.local:8480", f"https://{HERE}:8480")
        here = ("http://127.0.0.1:8480", "http://localhost:8480")
        assert door.pages == (() if door.moved_to else on_network if door.on_network else here)
    assert routes(apps.values(), [HERE]) == routes(
        [one for one in apps.values() if one.endpoints["page"].login.value == "own"], [HERE]
    ), "no port leads to one of those"


def test_a_node_without_a_name_for_dns_has_no_names_on_the_network() -> None:
    nameless = type(DOORS)(8481, 8443, "")
    site = WebSite("mempool", Behind(LoopbackPlace(HERE, 8000)), open=True)
    assert [door.name for door in doors([site], nameless, [HERE])] == [
        "loopback",
        "loopback-tls",
    ]
