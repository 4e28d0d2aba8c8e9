"""A package of an installed app is parsed once, and again where its row says something else."""

from archipelago.container.manifest.package import load_package, package_to_json
from archipelago.storage.stores.stored_packages import StoredPackages
from support.checkout import APPS

TOR, RELAY = (package_to_json(load_package(APPS / app)) for app in ("tor", "nostr-relay"))


def test_the_same_text_is_parsed_once() -> None:
    packages = StoredPackages()
    first = packages.read({"tor": TOR, "nostr-relay": RELAY})
    again = packages.read({"tor": "".join([*TOR]), "nostr-relay": RELAY})
    assert [again[app] is package for app, package in first.items()] == [True, True]


def test_another_text_is_another_package() -> None:
    packages = StoredPackages()
    first = packages.read({"tor": TOR})["tor"]
    changed = packages.read({"tor": TOR.replace("summary: ", "summary: A ")})["tor"]
    assert changed.manifest.summary == f"A {first.manifest.summary}"
    assert packages.read({"tor": TOR})["tor"] == first


def test_an_app_that_is_gone_is_forgotten() -> None:
    packages = StoredPackages()
    first = packages.read({"tor": TOR})["tor"]
    assert packages.read({}) == {}
    again = packages.read({"tor": TOR})["tor"]
    assert again == first and again is not first


def test_a_package_that_this_version_refuses_is_remembered_with_its_problem() -> None:
    packages = StoredPackages()
    broken = packages.read({"tor": "{}"})["tor"]
    assert broken.problem and packages.read({"tor": "{}"})["tor"] is broken
    assert not packages.read({"tor": TOR})["tor"].problem
