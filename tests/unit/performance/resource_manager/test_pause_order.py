"""In which order apps are paused."""

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.plan import Edge
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.manifest.package import load_package
from archipelago.performance.resource_manager.pause_order import Rank, pause_order, rank_of
from support.checkout import APPS

PLAIN = """
manifest: 1
id: plain
name: Plain
version: 1
summary: A test
description: A test
category: other
license: MIT
containers:
  main: {image: "example.org/x@sha256:DIGEST", resources: {memory: MEMORY}, MOUNTS}
""".replace("DIGEST", "a" * 64)
FUNDS = "volumes: {keys: {data: files, funds: true}}\n"
OWN = {
    Rank.BACKGROUND: "",
    Rank.FUNDS: FUNDS,
    Rank.LIGHTNING: f"lightning: {{role: node}}\n{FUNDS}",
    Rank.CHAIN: "bitcoin: {role: node}\n",
}


def manifest(rank: Rank = Rank.BACKGROUND, memory: str = "64MiB") -> AppManifest:
    mounts = "mounts: [{volume: keys, path: /keys}]" if FUNDS in OWN[rank] else "mounts: []"
    return load_manifest(PLAIN.replace("MEMORY", memory).replace("MOUNTS", mounts) + OWN[rank], "plain")


def edge(consumer: str, provider: str, *, optional: bool = False) -> Edge:
    return Edge(consumer=consumer, interface="api", provider=provider, wait=Wait.STARTED, optional=optional)


def order(manifests: dict[str, AppManifest], *edges: Edge) -> list[str]:
    return [each.app for each in pause_order(manifests, edges)]


def test_lightning_comes_late_and_the_chain_last() -> None:
    apps = {rank.name.lower(): manifest(rank) for rank in reversed(Rank)}
    assert order(apps) == ["background", "funds", "lightning", "chain"]


def test_what_money_hangs_on_is_as_important_as_what_uses_it() -> None:
    apps = {"tor": manifest(), "notes": manifest(), "lnd": manifest(Rank.LIGHTNING)}
    assert order(apps, edge("lnd", "tor")) == ["notes", "lnd", "tor"]
    assert order(apps, edge("lnd", "tor", optional=True)) == ["notes", "tor", "lnd"]


def test_of_equals_the_one_that_takes_most_memory_goes_first() -> None:
    assert order({"a": manifest(), "b": manifest(memory="2GiB"), "c": manifest()}) == ["b", "a", "c"]


def test_the_ranks_of_the_catalog() -> None:
    ranks = {app: rank_of(load_package(APPS / app).manifest) for app in ("bitcoin-knots", "electrumx", "specter")}
    assert ranks["bitcoin-knots"] is Rank.CHAIN
    assert ranks["electrumx"] is Rank.BACKGROUND
    assert ranks["specter"] is Rank.FUNDS


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(Rank), min_size=1),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.booleans())),
)
def test_nothing_is_paused_before_what_cannot_do_without_it(
    ranks: dict[str, Rank], uses: list[tuple[str, str, bool]]
) -> None:
    # No circle: an app uses only those that come later in the alphabet.
    edges = [edge(one, other, optional=optional) for one, other, optional in uses if one < other]
    found = pause_order({app: manifest(rank) for app, rank in ranks.items()}, edges)
    places = {each.app: place for place, each in enumerate(found)}
    assert places.keys() == ranks.keys()
    assert [each.rank for each in found] == sorted(each.rank for each in found)
    for each in edges:
        if not each.optional and each.consumer in places and each.provider in places:
            assert places[each.consumer] < places[each.provider]
    assert all(each.rank >= ranks[each.app] for each in found)
