"""What a version of an app asks for that the installed one does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.dependency_resolver.rating import rate
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.variants import in_force
from archipelago.container.proposals.new_rights import new_rights
from support import app_manifests

HASH = "@sha256:" + "0" * 64
WEB = {"kind": "ui", "container": "main", "port": 80, "host_port": 8080, "login": "own", "access": ["host"]}


def app(container: dict[str, Any] | None = None, image: str = "registry.example/a:1", **parts: Any) -> AppManifest:
    return app_manifests.app("a", containers={"main": {"image": image + HASH, **(container or {})}}, **parts)


ASKED: list[tuple[dict[str, Any], str]] = [
    ({"egress": "tor", "requires": {"tor-socks": {}}}, "through Tor alone"),
    ({"egress": "direct"}, "learns this node's address"),
    ({"egress": "lan"}, "every machine of the local network"),
    ({"endpoints": {"web": WEB}}, "reached in another way: web"),
    ({"endpoints": {"web": {**WEB, "access": ["host", "lan"]}}}, "reached in another way: web"),
    ({"endpoints": {"web": {**WEB, "login": "none"}}}, "reached in another way: web"),
    ({"requires": {"bitcoin-rpc": {}}}, "more of other apps: bitcoin-rpc"),
    ({"requires": {"bitcoin-rpc": {"role": "wallet"}}}, "more of other apps: bitcoin-rpc"),
    ({"requires": {"bitcoin-rpc": {"role": "mine"}}}, "more of other apps: bitcoin-rpc"),
    ({"requires": {"lnd-rest": {"permissions": ["info:read"]}}}, "more of other apps: lnd-rest"),
    ({"leases": ["lightning-keys"]}, "lightning-keys"),
    ({"onions": {"container": "main", "cookie": "state", "sockets": "/onions"}}, "onion-services"),
    ({"container": {"security": {"capabilities": ["CAP_KILL"]}}}, "CAP_KILL"),
    ({"container": {"security": {"devices": ["/dev/ttyUSB0"]}}}, "/dev/ttyUSB0"),
    ({"container": {"security": {"system_calls": ["io-uring"]}}}, "io-uring"),
    ({"container": {"security": {"writable_root": True}}}, "writable-root"),
    ({"container": {"user": "0:0"}}, "root"),
    ({"image": "registry.example/other:1"}, "registry.example/other"),
    ({"image": "other.example:5000/a:1"}, "other.example:5000/a"),
]


@pytest.mark.parametrize(("asked", "words"), ASKED)
def test_each_right_that_is_new_has_words_and_none_where_it_goes(asked: dict[str, Any], words: str) -> None:
    least = {"container": {"user": "1000:1000"}}
    before, after = app(**least), app(**{**least, **asked})  # type: ignore[arg-type]
    assert words in "; ".join(new_rights(before, after))
    assert new_rights(after, after) == ()
    if "image" not in asked:
        assert new_rights(after, before) == ()


def test_another_version_of_the_same_image_asks_for_nothing() -> None:
    after = app_manifests.app(
        "a", version="2.0", containers={"main": {"image": "registry.example/a:2@sha256:" + "1" * 64}}
    )
    assert new_rights(app(), after) == ()


def test_what_is_signed_no_longer_is_named() -> None:
    signed = app({"signed_by": "files/cosign.pub"})
    assert "unsigned" in "; ".join(new_rights(signed, app()))
    assert new_rights(app(), signed) == ()


def test_more_of_the_same_is_new() -> None:
    read, wallet, full = (app(requires={"bitcoin-rpc": {"role": role}}) for role in ("read", "wallet", "full"))
    assert new_rights(read, wallet) and new_rights(wallet, full) and not new_rights(full, wallet)
    assert new_rights(app(egress="tor", requires={"tor-socks": {}}), app(egress="lan"))


PARTS = st.fixed_dictionaries(
    {
        "container": st.fixed_dictionaries(
            {
                "user": st.sampled_from(("0:0", "1000:1000")),
                "security": st.fixed_dictionaries(
                    {
                        "capabilities": st.lists(st.sampled_from(("CAP_KILL", "CAP_CHOWN")), unique=True),
                        "devices": st.lists(st.sampled_from(("/dev/a", "/dev/b")), unique=True),
                        "writable_root": st.booleans(),
                    }
                ),
            }
        ),
        "egress": st.sampled_from(("none", "direct", "lan")),
    }
)


@given(PARTS, PARTS)
def test_no_version_with_a_lower_rating_asks_for_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = app(**before), app(**after)
    if rate(new).score < rate(old).score:
        assert new_rights(old, new)
    assert not new_rights(old, old)


def test_a_version_that_forgets_the_choice_to_reach_less_asks_for_more() -> None:
    options = {"reach": {"type": "choice", "label": "Reach", "default": "direct", "choices": ["direct", "tor"]}}
    hidden = {"when": {"reach": "tor"}, "egress": "tor", "requires": {"tor-socks": {}}}
    knows, forgot = app(egress="direct", options=options, variants=[hidden]), app(egress="direct", options=options)
    for chosen, asks in (({"reach": "tor"}, True), ({}, False)):
        new = new_rights(in_force(knows, chosen), in_force(forgot, chosen))
        assert any("learns this node's address" in each for each in new) is asks
