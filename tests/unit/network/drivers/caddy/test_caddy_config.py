"""What Caddy is told, for random doors; `test_sites` has a real Caddy do it."""

import json
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.loopback_places import LoopbackPlace
from archipelago.network.drivers.caddy.caddy_config import SMUGGLED, caddy_config, listening, written
from archipelago.network.drivers.caddy.guarded_site import MOST_QUESTIONS, pipe_of
from archipelago.network.sites import LOOPBACKS, Behind, Door

GUARD = "/run/caddy/login.sock"
PORTS = st.integers(1, 65535)
LISTENS = st.lists(st.tuples(st.ip_addresses(), PORTS), min_size=1, max_size=3).map(tuple)
BEHIND = st.builds(Behind, st.builds(LoopbackPlace, st.ip_addresses(v=4), PORTS), st.booleans())
DOORS = st.builds(
    Door,
    name=st.sampled_from(["loopback", "loopback-tls", "network", "network-tls"]),
    listens=LISTENS,
    names=st.dictionaries(st.from_regex(r"[a-z]{1,9}\.localhost", fullmatch=True), BEHIND, max_size=5),
    pages=st.just(("http://127.0.0.1:8480", "http://localhost:8480")),
    tls=st.booleans(),
    moved_to=st.none() | PORTS,
)


def way(behind: Behind) -> str:
    """Return where Caddy is to look for it: what is guarded, at a socket of the daemon."""
    return f"unix/{pipe_of('/run/caddy', behind.place)}" if behind.guarded else str(behind.place)


def proxied(server: dict[str, Any]) -> dict[str, str]:
    """Return where each name leads."""
    return {
        name: handler["upstreams"][0]["dial"]
        for route in server["routes"]
        for name in route.get("match", [{}])[0].get("host", [])
        for handler in route["handle"]
        if handler["handler"] == "reverse_proxy"
    }


def is_guarded(route: dict[str, Any], origin: str) -> bool:
    """Tell whether the node is asked about all requests of a route before anything of it leads to the app."""
    before = route["handle"][1:-3]
    if not before:
        return False
    assert before[0] == {"handler": "vars", "stage": "login"}
    own, check = before[1]["routes"]
    assert own["terminal"] and "match" not in check
    for asked in (own["handle"][0], check["handle"][0]):
        assert asked["upstreams"] == [{"dial": f"unix/{GUARD}"}]
        assert asked["transport"]["max_conns_per_host"] == MOST_QUESTIONS
        assert asked["headers"]["request"]["set"]["Archipelago-Site"] == [origin]
    (passes,) = check["handle"][0]["handle_response"]
    assert passes["match"] == {"status_code": [2]}, "every other answer is the client's"
    return True


@given(st.lists(DOORS, max_size=4, unique_by=lambda door: door.name))
def test_each_name_leads_to_its_app_and_all_others_nowhere(doors: list[Door]) -> None:
    config = caddy_config(doors, "/run/caddy/admin.sock", GUARD, {})
    assert json.loads(json.dumps(config)) == config
    servers = config["apps"]["http"]["servers"]
    assert set(servers) == {door.name for door in doors}
    for door in doors:
        server = servers[door.name]
        assert server["listen"] == [written(each) for each in door.listens]
        expected = {} if door.moved_to else {name: way(behind) for name, behind in door.names.items()}
        assert proxied(server) == expected
        assert "match" not in server["routes"][-1] and server["routes"][-1]["handle"][0]["status_code"] == 404
        assert all(route["terminal"] for route in server["routes"][:-1])
        assert ("tls_connection_policies" in server) == door.tls
        assert server["automatic_https"] == {"disable": True}, "it asks nobody for anything"
        for route in server["routes"]:
            if route["handle"][-1]["handler"] == "reverse_proxy":
                assert route["handle"][0]["request"]["delete"] == list(SMUGGLED)
                (name,) = route["match"][0]["host"]
                assert is_guarded(route, door.origin(name)) == door.names[name].guarded
    assert listening(config) == {written(each) for door in doors for each in door.listens}


def test_caddy_is_told_what_to_do_on_its_socket_alone() -> None:
    config = caddy_config([], "/run/caddy/admin.sock", GUARD, {})
    assert config["admin"]["listen"] == "unix//run/caddy/admin.sock|0600"
    assert listening(None) == listening({}) == listening({"apps": {}}) == frozenset()


def test_an_address_is_written_so_that_no_other_family_is_listened_on() -> None:
    assert [written((address, 80)) for address in LOOPBACKS] == ["tcp4/127.0.0.1:80", "tcp6/[::1]:80"]
    assert written((IPv4Address("10.0.0.1"), 443)) == "tcp4/10.0.0.1:443"
    assert written((IPv6Address("fe80::1"), 443)) == "tcp6/[fe80::1]:443"


def test_a_door_may_be_a_socket_that_another_user_of_the_host_may_open() -> None:
    names = {
        name: Behind(LoopbackPlace(IPv4Address("127.0.0.2"), 8000), name == "b.onion")
        for name in ("a.onion", "b.onion")
    }
    door = Door("onion", (), names, socket="/run/caddy/onions/a.sock")
    server = caddy_config([door], "/run/caddy/admin.sock", GUARD, {})["apps"]["http"]["servers"]["onion"]
    assert server["listen"] == ["unix//run/caddy/onions/a.sock|0666"] and not door.on_network
    assert proxied(server) == {name: way(behind) for name, behind in names.items()}
    found = [is_guarded(route, f"http://{route['match'][0]['host'][0]}") for route in server["routes"][:-1]]
    assert found == [False, True], "the node's login stands in front by each door"
