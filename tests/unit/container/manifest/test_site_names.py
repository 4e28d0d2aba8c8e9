"""Names of the pages of apps: one origin for each, in every browser and on every network."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.container.manifest.site_names import (
    Doors,
    is_site,
    local_name,
    local_site_address,
    loopback_name,
    site_address,
    site_labels,
)
from support.endpoints import endpoint
from support.sites import DOORS

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6}){0,3}", fullmatch=True).map(
    lambda name: name[:40].rstrip("-")
)
ENDPOINTS = st.builds(
    endpoint,
    kind=st.sampled_from(["ui", "api"]),
    protocol=st.sampled_from(["http", "tcp"]),
    scheme=st.sampled_from([None, "ws", "tcp"]),
    access=st.sampled_from([["host"], ["host", "lan"], ["tor"]]),
).filter(lambda one: one.scheme is None or one.scheme.value == "ws" or one.protocol.value == "tcp")
APPS = st.dictionaries(NAMES, st.dictionaries(NAMES, ENDPOINTS, max_size=4), max_size=5)
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def test_the_first_page_has_the_apps_name_and_others_have_their_own_in_addition() -> None:
    endpoints = {
        "rpc": endpoint(protocol="http"),
        "page": endpoint(kind="ui", protocol="http", path="/start"),
        "admin": endpoint(kind="ui", protocol="http"),
        "relay": endpoint(protocol="http", scheme="ws"),
        "electrum": endpoint(scheme="tcp"),
        "peer": endpoint(kind="p2p"),
        "hidden": endpoint(kind="ui", protocol="http", access=["tor"]),
    }
    labels = site_labels("mempool", endpoints)
    assert labels == {
        "rpc": "mempool--rpc",
        "page": "mempool",
        "admin": "mempool--admin",
        "relay": "mempool--relay",
    }
    addresses = {name: site_address(endpoints[name], label, DOORS) for name, label in labels.items()}
    assert addresses["page"] == "http://mempool.localhost:8481/start"
    assert addresses["relay"] == "ws://mempool--relay.localhost:8481/"
    assert local_site_address(endpoints["page"], "mempool", DOORS) == "https://mempool-island.local:8443/start"
    usual = Doors(80, 443, "island")
    assert site_address(endpoints["page"], "mempool", usual) == "http://mempool.localhost/start"
    assert local_site_address(endpoints["relay"], "mempool--relay", usual) == "wss://mempool--relay-island.local/"


@given(APPS)
def test_no_two_endpoints_share_a_name_and_each_name_is_one_of_dns(apps: Mapping[str, Mapping[str, Endpoint]]) -> None:
    named = [
        (label, endpoints[name])
        for app, endpoints in apps.items()
        for name, label in site_labels(app, endpoints).items()
    ]
    labels = [label for label, _ in named]
    assert len(set(labels)) == len(labels)
    for label, one in named:
        assert is_site(one) and LABEL.fullmatch(label) and not label.startswith("xn--")
        assert urlsplit(site_address(one, label, DOORS)).hostname == loopback_name(label)
        name = local_name(label, "island")
        assert name is None or (name.count(".") == 1 and LABEL.fullmatch(name.removesuffix(".local")))


def test_what_dns_cannot_have_is_left_out() -> None:
    page = {"page": endpoint(kind="ui", protocol="http")}
    assert site_labels("xn", {**page, "rpc": endpoint(protocol="http")}) == {"page": "xn"}
    assert site_labels("a" * 40, {**page, "b" * 40: endpoint(protocol="http")}) == {"page": "a" * 40}
    assert local_name("a" * 40, "b" * 23) is None and local_name("a" * 40, "b" * 22) is not None
    assert local_name("mempool", "") is None
