"""Routes from the local network to the endpoints that are open to it, and how their addresses are written."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from archipelago.container.manifest.exposure import LOOPBACK, address_of, is_open
from archipelago.network.routes import AppEndpoints, Route, Trust, routes
from support.endpoints import endpoint

HERE = IPv4Address("192.168.1.5")


@pytest.mark.parametrize(
    ("keys", "here", "from_there"),
    [
        ({"protocol": "http"}, "http://127.0.0.2:8000/", "https://192.168.1.5:8000/"),
        ({"protocol": "http", "path": "/a"}, "http://127.0.0.2:8000/a", "https://192.168.1.5:8000/a"),
        ({"protocol": "http", "scheme": "ws"}, "ws://127.0.0.2:8000", "wss://192.168.1.5:8000"),
        ({"protocol": "http", "scheme": "ws", "path": "/r"}, "ws://127.0.0.2:8000/r", "wss://192.168.1.5:8000/r"),
        ({"scheme": "tcp"}, "tcp://127.0.0.2:8000", "ssl://192.168.1.5:8000"),
        ({}, "127.0.0.2:8000", "192.168.1.5:8000"),
    ],
)
def test_an_address_has_the_scheme_that_its_clients_read(keys: dict[str, Any], here: str, from_there: str) -> None:
    found = endpoint(**keys)
    assert (address_of(found, LOOPBACK, 8000), address_of(found, HERE, 8000)) == (here, from_there)
    (route,) = routes([AppEndpoints({"one": found}, {}, {"one": True})], [HERE])
    shown = {"https": Trust.AUTHORITY, "wss": Trust.AUTHORITY, "ssl": Trust.FIRST_USE}
    tls = shown.get(from_there.partition("://")[0])
    assert route == Route(HERE, 8000, tls, "") and route.shown == from_there, "the port speaks as its address says"


def test_the_owners_switch_wins_over_the_manifest() -> None:
    shut, open_ = endpoint(), endpoint(access=["host", "lan"])
    assert [is_open(shut, chosen) for chosen in (None, True, False)] == [False, True, False]
    assert [is_open(open_, chosen) for chosen in (None, True, False)] == [True, True, False]
    endpoints = {"shut": shut, "open": open_}
    assert [route.port for route in routes([AppEndpoints(endpoints, {"open": 9000}, {})], [HERE])] == [9000]
    assert routes([AppEndpoints(endpoints, {}, {"open": False})], [HERE]) == ()
    assert routes([AppEndpoints(endpoints, {}, {"gone": True})], []) == ()
