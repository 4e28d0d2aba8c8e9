"""Who is on which network, and by which name."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.podman_client.labels import APP, NODE
from archipelago.container.workload.networks import (
    app_network,
    app_networks,
    attachments,
    edge_network_name,
    links,
)
from support.network_plans import NAMES, edge, manifest


def test_only_direct_egress_leads_out() -> None:
    for egress, internal in (("none", True), ("direct", False)):
        network = app_network(manifest(egress=egress), "n1")
        assert (network.internal, network.isolate) == (internal, not internal)
        assert network.labels == {NODE: "n1", APP: "bitcoin"}


def test_egress_through_tor_is_the_edge_to_tor_and_nothing_else() -> None:
    app = manifest(id="wallet", egress="tor", provides={}, requires={"tor-socks": {}})
    networks = app_networks(app, links([edge("wallet", "tor-socks", "tor")]), "n1")
    assert [network.name for network in networks] == [
        "archipelago-wallet",
        edge_network_name("wallet", "tor", {"tor-socks"}),
    ]
    assert all(network.internal for network in networks)


def test_several_interfaces_of_a_pair_share_one_network() -> None:
    edges = [edge("lnd"), edge("lnd", "bitcoin-zmq"), edge("lnd", "bitcoin-web"), edge("electrs")]
    names = [network.name for network in app_networks(manifest(), links(edges), "n1")]
    electrs = edge_network_name("electrs", "bitcoin", {"bitcoin-rpc"})
    lnd = edge_network_name("lnd", "bitcoin", {"bitcoin-rpc", "bitcoin-zmq", "bitcoin-web"})
    assert names == ["archipelago-bitcoin", electrs, lnd]
    main = attachments(manifest(), "main", links(edges))
    web = attachments(manifest(), "web", links(edges))
    assert main[lnd].aliases == ("bitcoin-rpc", "bitcoin-zmq")
    assert main[electrs].aliases == ("bitcoin-rpc",), "no names but those of what it uses"
    assert web[lnd].aliases == ("bitcoin-web",)
    assert electrs not in web, "only the containers behind the interface are there"
    assert main["archipelago-bitcoin"].aliases == ("main",)


def test_every_container_of_a_consumer_reaches_its_providers() -> None:
    app = manifest(id="lnd", provides={}, requires={"bitcoin-rpc": {}})
    for container in app.containers:
        found = attachments(app, container, links([edge("lnd")]))
        shared = edge_network_name("lnd", "bitcoin", {"bitcoin-rpc"})
        assert set(found) == {"archipelago-lnd", shared}
        assert found[shared].aliases == ()


def test_the_name_that_a_template_gets_is_one_of_the_aliases() -> None:
    found = attachments(manifest(), "main", links([edge("lnd")]))
    assert "bitcoin-rpc" in found[edge_network_name("lnd", "bitcoin", {"bitcoin-rpc"})].aliases


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_no_two_pairs_share_a_network(first: tuple[str, str], second: tuple[str, str]) -> None:
    names = [edge_network_name(*pair, {"x"}) for pair in (first, second)]
    assert (names[0] == names[1]) == (first == second)
    assert edge_network_name(*first, {"x"}) != app_network(manifest(id=second[0]), "n1").name


@given(st.lists(st.tuples(NAMES, st.sampled_from(["bitcoin-rpc", "bitcoin-zmq"])), max_size=8), st.randoms())
def test_both_ends_name_the_same_network_in_any_order(pairs: list[tuple[str, str]], chance: Any) -> None:
    edges = [edge(consumer, interface) for consumer, interface in pairs if consumer != "bitcoin"]
    shuffled = list(edges)
    chance.shuffle(shuffled)
    assert app_networks(manifest(), links(edges), "n1") == app_networks(manifest(), links(shuffled), "n1")
    assert attachments(manifest(), "main", links(edges)) == attachments(manifest(), "main", links(shuffled))
    for consumer in {each.consumer for each in edges}:
        app = manifest(id=consumer, provides={}, requires={"bitcoin-rpc": {}, "bitcoin-zmq": {}})
        shared = set(attachments(app, "main", links(edges))) & set(attachments(manifest(), "main", links(edges)))
        used = {each.interface for each in edges if each.consumer == consumer}
        assert shared == {edge_network_name(consumer, "bitcoin", used)}
        mine = {network.name: network for network in app_networks(app, links(edges), "n1")}
        theirs = {network.name: network for network in app_networks(manifest(), links(edges), "n1")}
        assert all(mine[name] == theirs[name] for name in shared), "or the two would re-create it in turns"
