"""What a manifest says while its app has certain options."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.rating import rate
from archipelago.container.manifest.model.app import AppManifest, Egress
from archipelago.container.manifest.variants import in_force, requirements
from support.app_manifests import app

OPTIONS = {
    "reach": {"type": "choice", "label": "Reach", "default": "direct", "choices": ["direct", "tor", "none"]},
    "fast": {"type": "bool", "label": "Fast", "default": True},
    "size": {"type": "int", "label": "Size", "default": 1},
}
TOR = {"when": {"reach": "tor"}, "egress": "tor", "requires": {"tor-socks": {"wait": "started"}}}
NONE = {"when": {"reach": "none"}, "egress": "none"}
ANY = st.one_of(st.booleans(), st.integers(), st.text(max_size=9), st.sampled_from(["direct", "tor", "none"]))
GIVEN = st.dictionaries(st.sampled_from([*OPTIONS, "gone"]), ANY)


def shop(*variants: dict[str, Any], **parts: Any) -> AppManifest:
    return app("shop", options=OPTIONS, egress="direct", requires={"i": {}}, variants=variants, **parts)


@pytest.mark.parametrize(
    ("options", "egress", "requires"),
    [
        ({}, Egress.DIRECT, {"i"}),
        ({"reach": "direct"}, Egress.DIRECT, {"i"}),
        ({"reach": "tor"}, Egress.TOR, {"i", "tor-socks"}),
        ({"reach": "none", "fast": False}, Egress.NONE, {"i"}),
        ({"reach": "tor", "gone": 1}, Egress.TOR, {"i", "tor-socks"}),
    ],
)
def test_what_holds_follows_from_the_options_and_their_defaults(
    options: dict[str, Any], egress: Egress, requires: set[str]
) -> None:
    found = in_force(shop(TOR, NONE), options)
    assert (found.egress, set(found.requires)) == (egress, requires)
    assert found.variants == () and in_force(found, {"reach": "tor"}) is found, "what holds depends on nothing more"


def test_the_first_variant_that_applies_counts_and_true_is_not_1() -> None:
    first = {"when": {"reach": "tor", "fast": True}, "egress": "none"}
    assert in_force(shop(first, TOR), {"reach": "tor"}).egress is Egress.NONE
    assert in_force(shop(first, TOR), {"reach": "tor", "fast": False}).egress is Egress.TOR
    assert in_force(shop({"when": {"size": True}, "egress": "none"}), {}).egress is Egress.DIRECT


@given(GIVEN)
def test_a_manifest_without_variants_is_the_same_whatever_the_options(options: dict[str, Any]) -> None:
    manifest = shop()
    assert in_force(manifest, options) is manifest


@given(GIVEN)
def test_a_variant_changes_nothing_but_reach_and_requirements_and_never_widens_the_rating(
    options: dict[str, Any],
) -> None:
    manifest = shop(TOR, NONE)
    found = in_force(manifest, options)
    same = {"egress": manifest.egress, "requires": manifest.requires, "variants": manifest.variants}
    assert found.model_copy(update=same) == manifest
    assert rate(found).score >= rate(manifest).score


def test_the_rating_before_options_are_known_is_that_of_the_widest_variant() -> None:
    wallet = {"when": {"fast": False}, "egress": "direct", "requires": {"bitcoin-rpc": {"role": "wallet"}}}
    manifest = shop(TOR, wallet)
    assert rate(manifest).score == rate(in_force(manifest, {"fast": False})).score
    assert rate(manifest).score < rate(in_force(manifest, {})).score < rate(in_force(manifest, {"reach": "tor"})).score
    assert [path for path, _ in requirements(manifest)] == [
        ("requires",),
        ("variants", 0, "requires"),
        ("variants", 1, "requires"),
    ]
