"""Which endpoints are open to the local network, and how their addresses are written."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from archipelago.container.manifest.exposure import (
    LOOPBACK,
    KeptIn,
    address_of,
    is_open,
    kept_in,
    kept_switches,
    require_switch,
)
from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.routes import AppEndpoints, Route, Trust, routes

HERE = IPv4Address("192.168.1.5")


def endpoint(**keys: Any) -> Endpoint:
    """Return an endpoint on port 80 of a container, proposed on port 8000."""
    return Endpoint.model_validate({"kind": "api", "container": "main", "port": 80, "host_port": 8000, **keys})


PAGE = endpoint(kind="ui", protocol="http")
OWN_LOGIN = endpoint(kind="ui", protocol="http", login="own")


@pytest.mark.parametrize(
    ("keys", "here", "from_there"),
    [
        ({"protocol": "http"}, "http://127.0.0.1:8000/", "https://192.168.1.5:8000/"),
        ({"protocol": "http", "path": "/a"}, "http://127.0.0.1:8000/a", "https://192.168.1.5:8000/a"),
        ({"protocol": "http", "scheme": "ws"}, "ws://127.0.0.1:8000", "wss://192.168.1.5:8000"),
        ({"protocol": "http", "scheme": "ws", "path": "/r"}, "ws://127.0.0.1:8000/r", "wss://192.168.1.5:8000/r"),
        ({"scheme": "tcp"}, "tcp://127.0.0.1:8000", "ssl://192.168.1.5:8000"),
        ({}, "127.0.0.1:8000", "192.168.1.5:8000"),
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


def test_a_page_without_a_login_of_its_own_is_open_to_nobody() -> None:
    for page in (PAGE, endpoint(kind="ui", protocol="http", access=["host", "lan"])):
        assert kept_in(page) is KeptIn.NO_LOGIN
        assert not any(is_open(page, chosen) for chosen in (None, True, False))
        with pytest.raises(NodeError) as refused:
            require_switch("wallet", {"page": page}, "page", {"page": 9001}, opened=True)
        assert refused.value.code is ErrorCode.FORBIDDEN and "login" in refused.value.message
        assert "ssh" in refused.value.hint and "9001" in refused.value.hint
        require_switch("wallet", {"page": page}, "page", {}, opened=False)
    assert kept_in(OWN_LOGIN) is None and is_open(OWN_LOGIN, True)
    require_switch("wallet", {"page": OWN_LOGIN}, "page", {}, opened=True)


def test_what_is_not_on_this_host_cannot_be_opened_or_closed() -> None:
    hidden = endpoint(access=["tor"])
    assert kept_in(hidden) is KeptIn.NOT_PUBLISHED and not is_open(hidden, True)
    for opened in (True, False):
        with pytest.raises(NodeError, match="not on this host"):
            require_switch("relay", {"api": hidden}, "api", {}, opened=opened)
        with pytest.raises(NodeError, match="no endpoint 'page'") as unknown:
            require_switch("relay", {"api": hidden}, "page", {}, opened=opened)
        assert unknown.value.hint == "it has api"


@pytest.mark.parametrize(
    "change", [{"login": "own"}, {"kind": "ui"}, {"protocol": "http"}, {"container": "admin"}, {"port": 81}]
)
def test_what_the_owner_opened_is_not_open_once_an_update_makes_it_something_else(change: dict[str, Any]) -> None:
    before, after = {"api": endpoint()}, {"api": endpoint(**change)}
    assert kept_switches({"api": True}, before, after) == {}
    assert kept_switches({"api": True}, before, {}) == {}, "a later version may use the name for something else"
    assert kept_switches({"api": True}, {}, after) == {}
    assert kept_switches({"api": False}, before, after) == {"api": False}, "what was closed stays closed"


def test_what_the_owner_opened_stays_open_after_an_update_that_leaves_it_as_it_is() -> None:
    before, after = endpoint(access=["host"]), endpoint(label="API", host_port=8001)
    assert kept_switches({"api": True}, {"api": before}, {"api": after}) == {"api": True}
