"""What an update changes of the record of an app."""

from typing import Any

from archipelago.container.manifest.model.endpoints import Endpoint
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.changes.planned_records import with_package
from archipelago.storage.records.apps import AppRecord, Desired
from support.workloads import bitcoin


def package(**api: Any) -> AppPackage:
    """Return a version of an app."""
    return bitcoin(endpoints={"api": {"kind": "api", "container": "main", "port": 80, "host_port": 8000, **api}})


def test_an_endpoint_that_becomes_another_one_is_closed_to_the_local_network() -> None:
    record = AppRecord("bitcoin-knots", package(login="own"), Desired.RUNNING, 1, lan={"api": True})
    assert with_package(record, package(login="own", label="API")).lan == {"api": True}
    updated = with_package(record, package())
    assert updated.lan == {} and updated.package.manifest.endpoints["api"] == Endpoint.model_validate(
        {"kind": "api", "container": "main", "port": 80, "host_port": 8000}
    )


def test_an_endpoint_that_becomes_another_one_is_not_reached_through_tor_any_longer() -> None:
    record = AppRecord("bitcoin-knots", package(login="own"), Desired.RUNNING, 1, tor={"api": "clients"})
    assert with_package(record, package(login="own", label="API")).tor == {"api": "clients"}
    assert with_package(record, package()).tor == {}
