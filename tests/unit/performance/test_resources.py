"""How the host is shared out among apps."""

from datetime import UTC, datetime

from archipelago.api.metrics import Measure, MetricsPoint
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.model.app import Architecture
from archipelago.performance.resource_manager.budgets import budgets
from archipelago.performance.resources import app_resources
from archipelago.storage.records.apps import Desired

HOST = HostFacts(Architecture.AMD64, memory=8 << 30, cores=4, free_disk=1 << 40)
MANIFEST = """
manifest: 1
id: pair
name: Pair
version: 1
summary: Two containers
description: Two containers
category: other
license: MIT
containers:
  one: {image: "example.org/x@sha256:DIGEST", resources: {memory: 1GiB, cpu: 0.5, pids: 10}}
  two: {image: "example.org/x@sha256:DIGEST", resources: {memory: 2GiB, cpu: 1, pids: 20}}
""".replace("DIGEST", "a" * 64)
POINT = MetricsPoint(
    at=datetime(2026, 1, 1, tzinfo=UTC), cpu=0.25, memory=700, disk_read=0, disk_written=0, received=0, sent=0
)


def shares(desired: Desired, not_counted: tuple[Measure, ...] = ()) -> tuple[int | None, float | None]:
    manifest = load_manifest(MANIFEST, "pair")
    (budget,) = budgets(HOST, {"pair": manifest}, [], {}).values()
    found = app_resources(manifest, desired, budget, POINT, not_counted, written=9, disk_used=None)
    assert (found.memory_limit, found.cpu_limit, found.pids_limit) == (3 << 30, 1.5, 30)
    return found.memory_used, found.cpu_used


def test_limits_of_all_containers_are_added_up() -> None:
    assert shares(Desired.RUNNING) == (700, 0.25)


def test_what_is_not_known_is_not_zero() -> None:
    assert shares(Desired.STOPPED) == (None, None)
    assert shares(Desired.RUNNING, (Measure.MEMORY,)) == (None, 0.25)
    assert shares(Desired.RUNNING, (Measure.CPU,)) == (700, None)
