"""In which order apps come back: providers first, whatever their names are."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archipelago.container.operations.restore_order import lacking, restore_order
from archipelago.storage.records.apps import AppRecord
from support.app_records import record

Make = Callable[..., AppRecord]


def provides(*interfaces: str) -> str:
    ports = ", ".join(f"{each}: {{container: main, port: 80}}" for each in interfaces)
    return f"provides: {{{ports}}}"


def requires(*interfaces: str, optional: bool = False) -> str:
    needs = ", ".join(f"{each}: {{optional: true}}" if optional else f"{each}: {{}}" for each in interfaces)
    return f"requires: {{{needs}}}"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make the record of an app."""

    def made(app: str, *parts: str, **choices: str) -> AppRecord:
        found = record(tmp_path, app, 1, "sleep", "\n".join(parts))
        return replace(found, choices=choices)

    return made


def test_providers_come_first_whatever_their_names(make: Make) -> None:
    apps = {
        "a-wallet": make("a-wallet", requires("electrum", "rpc")),
        "b-index": make("b-index", requires("rpc"), provides("electrum")),
        "z-chain": make("z-chain", provides("rpc")),
        "alone": make("alone"),
    }
    assert restore_order(apps) == ("alone", "z-chain", "b-index", "a-wallet")
    assert restore_order({}) == ()


def test_of_several_providers_the_one_counts_that_was_used(make: Make) -> None:
    both = {"a": make("a", provides("rpc")), "z": make("z", provides("rpc"))}
    assert restore_order({**both, "user": make("user", requires("rpc"), rpc="a")}) == ("a", "user", "z")
    assert restore_order({**both, "user": make("other", requires("rpc"))}) == ("a", "z", "user"), "nobody knows which"


def test_a_ring_of_what_apps_can_do_without_is_opened_there(make: Make) -> None:
    apps = {
        "a": make("a", requires("b"), provides("a")),
        "b": make("b", requires("a", optional=True), provides("b")),
    }
    assert restore_order(apps) == ("b", "a")
    ring = {
        "a": make("x", requires("b"), provides("a")),
        "b": make("y", requires("a"), provides("b")),
        "c": make("c", requires("a")),
    }
    order = restore_order(ring)
    assert sorted(order) == ["a", "b", "c"] and order.index("a") < order.index("c"), "none is left out"


def test_an_app_lacks_a_provider_that_did_not_come_back(make: Make) -> None:
    chain, other = make("chain", provides("rpc")), make("other", provides("rpc"))
    user = make("user", requires("rpc"), rpc="chain")
    optional = make("optional", requires("rpc", optional=True))
    apps = {"chain": chain, "user": user, "optional": optional}
    assert lacking(user, [], ["chain"], apps) == "chain"
    assert lacking(user, [], [], apps) == "", "whether that is so is for the plan to say"
    assert lacking(user, [other], ["chain"], apps) == "", "another one provides it"
    assert lacking(optional, [], ["chain"], apps) == ""
