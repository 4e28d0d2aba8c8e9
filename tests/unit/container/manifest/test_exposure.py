"""Which endpoints an owner can open to the local network, and which stay open after an update."""

from typing import Any

import pytest

from archipelago.container.manifest.exposure import (
    KeptIn,
    OnionAccess,
    is_behind_login,
    is_open,
    kept_in,
    kept_switches,
    onion_access,
    require_login_page,
    require_onion,
    require_switch,
)
from archipelago.errors import ErrorCode, NodeError
from support.endpoints import endpoint

PAGE = endpoint(kind="ui", protocol="http")
OWN_LOGIN = endpoint(kind="ui", protocol="http", login="own")


def test_a_page_without_a_login_of_its_own_is_behind_the_nodes_and_opened_by_the_owner_alone() -> None:
    for page in (PAGE, endpoint(kind="ui", protocol="http", access=["host", "lan"])):
        assert is_behind_login(page) and kept_in(page) is None
        assert [is_open(page, chosen) for chosen in (None, True, False)] == [False, True, False]
        require_switch("wallet", {"page": page}, "page", {}, opened=True)
    for other in (OWN_LOGIN, endpoint(kind="api", protocol="http"), endpoint(kind="ui"), endpoint(kind="p2p")):
        assert not is_behind_login(other)


def test_what_lets_everybody_in_and_speaks_no_http_is_open_to_nobody() -> None:
    for page in (endpoint(kind="ui"), endpoint(kind="ui", scheme="tcp", access=["host", "lan"])):
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


def test_through_tor_a_page_without_a_login_is_for_those_with_the_key_alone() -> None:
    for page in (PAGE, endpoint(kind="ui")):
        with pytest.raises(NodeError, match="without a login") as refused:
            require_onion("wallet", {"page": page}, "page", OnionAccess.PUBLIC)
        assert "access wallet page --tor on" in refused.value.hint
        for access in (OnionAccess.CLIENTS, OnionAccess.OFF):
            require_onion("wallet", {"page": page}, "page", access)
        assert onion_access(page, "public") is OnionAccess.CLIENTS, "whoever stored it"
    require_onion("wallet", {"page": OWN_LOGIN}, "page", OnionAccess.PUBLIC)
    assert onion_access(OWN_LOGIN, "public") is OnionAccess.PUBLIC


def test_what_is_behind_the_nodes_login_is_reached_through_tor_where_one_can_log_in_there() -> None:
    with pytest.raises(NodeError, match="behind the node's login") as refused:
        require_login_page("wallet", {"page": PAGE}, "page", has_page=False)
    assert refused.value.code is ErrorCode.FORBIDDEN and "tor-node on" in refused.value.hint
    require_login_page("wallet", {"page": PAGE}, "page", has_page=True)
    for other in (OWN_LOGIN, endpoint(kind="ui"), endpoint(protocol="http")):
        require_login_page("wallet", {"page": other}, "page", has_page=False)


def test_nothing_is_reached_through_tor_that_its_owner_did_not_say() -> None:
    for one in (endpoint(access=["host", "tor"]), endpoint(access=["tor"]), OWN_LOGIN):
        assert onion_access(one, None) is OnionAccess.OFF
        assert onion_access(one, "whatever a later version knows") is OnionAccess.OFF
    assert onion_access(endpoint(access=["tor"]), "clients") is OnionAccess.OFF, "it is not on this host"
    with pytest.raises(NodeError, match="not on this host"):
        require_onion("relay", {"api": endpoint(access=["tor"])}, "api", OnionAccess.CLIENTS)
    with pytest.raises(NodeError, match="no endpoint 'page'"):
        require_onion("relay", {"api": endpoint()}, "page", OnionAccess.CLIENTS)


def test_an_onion_service_ends_once_an_update_makes_the_endpoint_something_else() -> None:
    before, after = {"api": endpoint()}, {"api": endpoint(login="own")}
    assert kept_switches({"api": "clients"}, before, after) == {}
    assert kept_switches({"api": "off"}, before, after) == {"api": "off"}
    assert kept_switches({"api": "clients"}, before, before) == {"api": "clients"}
