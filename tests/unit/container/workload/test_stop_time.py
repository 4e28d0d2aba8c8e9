"""A Bitcoin node gets the time that it needs to write its cache, whatever its manifest says."""

import pytest

from archipelago.backups.contents import sources
from archipelago.container.data.data_classes import app_volumes, funds_volumes
from archipelago.container.manifest.package import load_package
from archipelago.container.workload.stop_time import CHAIN_GRACE, stop_of
from archipelago.storage.records.apps import AppRecord, Desired
from support.app_manifests import app
from support.checkout import APPS


@pytest.mark.parametrize(
    ("parts", "declared", "grace"),
    [
        ({"bitcoin": {"role": "node"}}, 5.0, CHAIN_GRACE),
        ({"bitcoin": {"role": "node"}}, 3600.0, 3600.0),
        ({"bitcoin": {"role": "indexer"}}, 5.0, 5.0),
        ({}, 5.0, 5.0),
    ],
)
def test_the_least_time_is_for_bitcoin_nodes_alone(parts: dict[str, object], declared: float, grace: float) -> None:
    stop = {"grace": declared, "signal": "SIGINT"}
    container = {"main": {"image": f"registry.example/x@sha256:{'0' * 64}", "stop": stop}}
    manifest = app("x", containers=container, **parts)
    found = stop_of(manifest, manifest.containers["main"])
    assert (found.grace, found.signal) == (grace, "SIGINT")


def test_knots_has_half_an_hour_in_its_own_manifest_and_its_wallets_are_in_every_backup() -> None:
    package = load_package(APPS / "bitcoin-knots")
    assert package.manifest.containers["main"].stop.grace == CHAIN_GRACE
    record = AppRecord("bitcoin-knots", package, Desired.RUNNING, 0)
    assert {each.volume.name for each in sources(app_volumes(record))} == set(funds_volumes(record)) == {"wallets"}
