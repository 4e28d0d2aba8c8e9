"""Variants that could not apply, or that reach more than the app says, are refused where they are written."""

from typing import Any

import pytest

from archipelago.container.manifest.checks.new_apps import check_new
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.yaml.problems import ManifestError
from support.manifests import as_yaml, manifest

RIGHT: dict[str, Any] = {"when": {"kind": "old"}, "egress": "tor", "requires": {"tor-socks": {"default": "tor"}}}


def load(variant: dict[str, Any], **changes: Any) -> Any:
    return load_manifest(as_yaml(manifest(egress="direct", variants=[variant], **changes)), "shop")


def test_a_variant_is_read_as_it_is_written() -> None:
    (found,) = load(RIGHT).variants
    assert found.when == {"kind": "old"} and found.egress == "tor" and found.requires["tor-socks"].default == "tor"


@pytest.mark.parametrize(
    ("variant", "changes", "expected"),
    [
        ({"when": {"knid": "old"}}, {}, "variants[0].when.knid: there is no option 'knid'"),
        ({"when": {"kind": "odl"}}, {}, "variants[0].when.kind: the value does not fit the option: cannot be 'odl'"),
        ({"when": {"size": True}}, {}, "variants[0].when.size: the value does not fit the option: cannot be true"),
        ({"when": {}}, {}, "variants[0].when"),
        (
            {},
            {"provides": {"shop": {"container": "main", "port": 1, "accepts": ["kind"]}}},
            "variants[0].when.kind: other apps may demand values of 'kind'",
        ),
        ({"egress": "lan"}, {}, "variants[0].egress: it reaches more than the app's own 'egress: direct'"),
        ({}, {"egress": "none"}, "variants[0].egress: it reaches more than the app's own 'egress: none'"),
        ({"requires": {}}, {}, "variants[0].egress: egress over Tor needs the interface of a Tor proxy"),
        ({}, {"requires": {"tor-socks": {}}}, "variants[0].requires.tor-socks: the app requires 'tor-socks' in any"),
        (
            {"requires": {"tor-socks": {"default": "shop"}}},
            {},
            "variants[0].requires.tor-socks.default: the app cannot be its own provider",
        ),
        (
            {},
            {"provides": {"tor-socks": {"container": "main", "port": 1}}},
            "variants[0].requires.tor-socks: the app requires an interface that it provides itself",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(
    variant: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest(as_yaml(manifest(**{"egress": "direct", "variants": [{**RIGHT, **variant}], **changes})), "shop")
    (problem,) = caught.value.problems
    assert f"{problem.where}: {problem.message}".startswith(expected), problem


@pytest.mark.parametrize("name", ["main", "localhost", "items"])
def test_an_interface_of_a_variant_needs_a_name_of_its_own_as_well(name: str) -> None:
    found = check_new(load({**RIGHT, "egress": "direct", "requires": {name: {}}}))
    assert len(found) == 1 and name in found[0].message


def test_there_are_not_many_of_them() -> None:
    with pytest.raises(ManifestError, match="variants"):
        load_manifest(as_yaml(manifest(egress="direct", variants=[RIGHT] * 11)), "shop")
