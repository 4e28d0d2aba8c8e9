"""The security rating: what an app asks for lowers it, each line says why, and nothing raises it."""

from typing import Any

import pytest

from archipelago.container.dependency_resolver.rating import HIGHEST, LOWEST, rate
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.package import load_package
from support import app_manifests
from support.checkout import APPS


def app(security: dict[str, Any] | None = None, user: str = "1000:1000", **parts: Any) -> AppManifest:
    """Return an app that asks for nothing but what is given."""
    container = {"build": {"type": "packages", "packages": ["x"]}, "user": user, "security": security or {}}
    return app_manifests.app("tiny", **{"containers": {"main": container, "other": container}, **parts})


def endpoint(*access: str) -> dict[str, Any]:
    """Return endpoints with one that may be reached in these ways."""
    return {"web": {"kind": "api", "container": "main", "port": 80, "host_port": 8080, "access": access}}


def test_an_app_that_asks_for_nothing_has_the_highest_rating() -> None:
    rating = rate(app())
    assert rating.score == HIGHEST
    assert [line.points for line in rating.lines] == [0, 0]
    assert "nothing is executed" in rating.lines[-1].what


@pytest.mark.parametrize(
    ("asked", "points", "word"),
    [
        ({"egress": "direct"}, -1, "internet"),
        ({"egress": "tor", "requires": {"tor-socks": {}}}, 0, "Tor"),
        ({"endpoints": endpoint("host")}, 0, ""),
        ({"endpoints": endpoint("host", "lan")}, -1, "local network"),
        ({"endpoints": endpoint("lan", "internet")}, -2, "anybody"),
        ({"requires": {"bitcoin-rpc": {"role": "broadcast"}}}, 0, ""),
        ({"requires": {"bitcoin-rpc": {"role": "read"}}}, 0, ""),
        ({"requires": {"bitcoin-rpc": {"role": "wallet"}}}, -2, "spend"),
        ({"requires": {"bitcoin-rpc": {"role": "full"}}}, -3, "everything"),
        ({"requires": {"lnd-rest": {"permissions": ["info:read", "invoices:write"]}}}, 0, ""),
        ({"requires": {"lnd-rest": {"permissions": ["offchain:write"]}}}, -2, "spend"),
        ({"requires": {"lnd-rest": {"permissions": ["macaroon:generate"]}}}, -3, "everything"),
        ({"security": {"devices": ["/dev/ttyUSB0"]}}, -2, "/dev/ttyUSB0"),
        ({"security": {"capabilities": ["CAP_SETUID", "CAP_SETGID"]}}, -1, "any user"),
        ({"security": {"capabilities": ["CAP_NET_BIND_SERVICE"]}}, -1, "CAP_NET_BIND_SERVICE"),
        ({"security": {"writable_root": True}}, -1, "programs"),
        ({"user": "0:0"}, -1, "root"),
        ({"containers": {"main": {"build": {"type": "containerfile"}}}}, -1, "commands of its author"),
        (
            {"containers": {"main": {"build": {"type": "containerfile", "base": {"packages": ["x"]}}}}},
            -1,
            "commands of its author",
        ),
        (
            {
                "containers": {
                    "main": {
                        "build": {
                            "type": "packages",
                            "packages": ["python3"],
                            "python": "requirements.txt",
                            "python_build": {"requirements": "build-requirements.txt"},
                        }
                    }
                }
            },
            -1,
            "built from source",
        ),
        ({"containers": {"main": {"image": f"registry.example/x@sha256:{'0' * 64}"}}}, -1, "signed"),
    ],
)
def test_each_thing_that_is_asked_for_counts_once_and_is_said(asked: dict[str, Any], points: int, word: str) -> None:
    rating = rate(app(**asked))
    assert rating.score == HIGHEST + points
    assert any(word in line.what for line in rating.lines)
    assert sum(line.points for line in rating.lines) == points


def test_there_is_a_lowest_rating() -> None:
    everything = {"devices": ["/dev/kvm"], "capabilities": ["CAP_KILL", "CAP_CHOWN"], "writable_root": True}
    rating = rate(app(everything, "0:0", egress="direct", endpoints=endpoint("internet")))
    assert rating.score == LOWEST
    assert HIGHEST + sum(line.points for line in rating.lines) < LOWEST


def test_the_apps_of_the_project() -> None:
    scores = {
        folder.name: rate(load_package(folder).manifest).score
        for folder in (manifest.parent for manifest in APPS.glob("*/manifest.yml"))
    }
    assert scores == {
        **{
            "bitcoin-knots": 7,
            "datum-gateway": 7,
            "electrumx": 7,
            "lnbits": 5,  # it pays, and a few of its packages are built from source
            "explorer": 8,
            "lnd": 7,
            "mesh-gateway": 8,
            "mosquitto": 8,
            "node-red": 6,
            "nostr-relay": 8,
            "ntfy": 7,
            "prometheus": 6,
            "radicale": 8,
            "reticulum": 6,
            "searxng": 7,
            "specter": 5,
            "syncthing": 7,
            "tor": 7,
            "unbound": 7,
        }
    }
