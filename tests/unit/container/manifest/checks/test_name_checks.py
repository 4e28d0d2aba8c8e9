"""Names that two kinds of thing would share: each is refused at its place when the app is read."""

from typing import Any

import pytest

from archipelago.container.manifest.checks.new_apps import check_new
from archipelago.container.manifest.model.app import AppManifest
from support import app_manifests

IMAGE = f"registry.example/a@sha256:{'0' * 64}"


def app(**parts: Any) -> AppManifest:
    main = {"image": IMAGE, "entrypoint": ["/x"], **parts.pop("main", {})}
    return app_manifests.app("shop", **{"containers": {"main": main}, **parts})


def probed(user: str) -> dict[str, Any]:
    probe = {"type": "chain", "port": 1, "user": user, "secret": "s"}
    return {"secrets": {"s": {}}, "main": {"health": {"probe": probe}}}


NUMBER = {"type": "int", "label": "N", "default": 1}
PAIR = {"main": {"image": IMAGE}, "bitcoin-rpc": {"image": IMAGE}}


@pytest.mark.parametrize(
    ("parts", "where", "what"),
    [
        ({"id": "archipelago"}, "id", "asks chain daemons"),
        ({"containers": {"localhost": {"image": IMAGE}}}, "containers.localhost", "the container itself"),
        ({"requires": {"localhost": {}}}, "requires.localhost", "the container itself"),
        (
            {
                "containers": {"main": {"image": IMAGE}, "bitcoin-rpc": {"image": IMAGE}},
                "requires": {"bitcoin-rpc": {}},
            },
            "containers.bitcoin-rpc",
            "could not tell it from the container",
        ),
        (probed("electrumx"), "containers.main.health.probe.user", "an app could have the name"),
        ({"options": {"items": NUMBER}}, "options.items", "method of that name"),
        ({"secrets": {"values": {}}}, "secrets.values", "method of that name"),
        ({"requires": {"get": {}}}, "requires.get", "method of that name"),
        (
            {"provides": {"api": {"container": "main", "port": 80, "exports": {"copy": "x"}}}},
            "provides.api.exports.copy",
            "method of that name",
        ),
    ],
)
def test_a_name_that_hides_another_is_refused(parts: dict[str, Any], where: str, what: str) -> None:
    [finding] = check_new(app(**parts))
    assert ".".join(map(str, finding.path)) == where and what in finding.message


@pytest.mark.parametrize("parts", [probed("archipelago"), probed("my_probe"), {"options": {"item": NUMBER}}])
def test_other_names_are_taken(parts: dict[str, Any]) -> None:
    assert check_new(app(**parts)) == []
