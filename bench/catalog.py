"""How long does it take to plan and to compile with a large catalog?

Run it with `scripts/bench catalog`. The catalog is synthetic and the same in each run: layers of apps, of which each
requires one to four interfaces of the layers below, a third of them with a version range, a third with a demand, some
optional; every fifth app is a second provider of an interface; ports clash. Making the manifest models is not counted
(they are frozen out of the garbage collector, as the node does not make them for each plan either); indexing the
catalog is, as each plan starts from bare mappings.

The first round is cold. The later ones find small equal values that the code remembers by value (names and networks of
edges, paths, limits, ratings, seccomp profiles), as the node does: it plans and compiles all its apps again at each
change. No plan and no workload is remembered.
"""

import argparse
import gc
import hashlib
import json
import math
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from catalog_figures import PEER, report_rows
from pydantic import BaseModel
from report import size

from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Edge, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest, Architecture
from archipelago.container.manifest.package import AppPackage
from archipelago.container.workload.compiler import compile_app
from archipelago.container.workload.inputs import AppInput, Binding, Consumer, Site
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import Workload
from archipelago.security.secrets.secret import SecretBytes
from archipelago.support.garbage import little_garbage

HOST = HostFacts(architecture=Architecture.ARM64, memory=64 << 40, cores=4, free_disk=1 << 50)
LAYERS = 8


def make_catalog(size: int, seed: int = 1) -> dict[str, AppManifest]:
    """Return a synthetic catalog in which every app can be installed beside all others."""
    chance = random.Random(seed)
    catalog: dict[str, AppManifest] = {}
    layer_of = [min(index * LAYERS // size, LAYERS - 1) for index in range(size)]
    below: list[list[str]] = [[] for _ in range(LAYERS + 1)]
    for index in range(size):
        layer = layer_of[index]
        # Every fourth interface has a second provider.
        interface = f"service-{index - 1 if index % 5 == 4 else index}"
        requires: dict[str, Any] = {}
        reachable = [name for names in below[:layer] for name in names]
        for name in chance.sample(reachable, min(len(reachable), chance.randint(1, 4))):
            requires[name] = {
                "version": chance.choice(("", "", ">=1,<3")),
                "demands": chance.choice(({}, {}, {"index": True})),
                "optional": chance.random() < 0.15,
            }
        below[layer].append(interface)
        catalog[f"app-{index}"] = AppManifest.model_validate(
            {
                "manifest": 1,
                "id": f"app-{index}",
                "name": f"App {index}",
                "version": f"{1 + index % 2}.{index % 10}",
                "summary": "Synthetic",
                "description": "Synthetic",
                "category": "other",
                "license": "MIT",
                "options": {
                    "index": {"type": "bool", "label": "Index", "default": False},
                    "cache": {"type": "int", "label": "Cache", "default": 100, "minimum": 0},
                },
                "containers": {"main": {"image": f"registry.example/app@sha256:{index:064x}"}},
                "provides": {interface: {"container": "main", "port": 80, "accepts": ["index"]}},
                "requires": requires,
                "endpoints": {
                    "web": {"kind": "ui", "container": "main", "port": 80, "host_port": 8000 + index % 1000},
                },
            }
        )
    return catalog


def closure(catalog: dict[str, AppManifest], app: str, index: dict[str, str]) -> int:
    """Return how many apps an app needs, itself included."""
    seen, waiting = {app}, [app]
    while waiting:
        for interface, required in catalog[waiting.pop()].requires.items():
            provider = index[interface]
            if not required.optional and provider not in seen:
                seen.add(provider)
                waiting.append(provider)
    return len(seen)


def worst_app(catalog: dict[str, AppManifest]) -> str:
    """Return the app that needs the most others."""
    index: dict[str, str] = {}
    for app, manifest in catalog.items():
        for interface in manifest.provides:
            index.setdefault(interface, app)
    return max(catalog, key=lambda app: (closure(catalog, app, index), app))


@dataclass(frozen=True)
class Row:
    """One line of the table; times in milliseconds."""

    what: str
    first: float
    median: float
    worst: float
    aim: float | None
    apps: int
    edges: int


def make_plan(catalog: dict[str, AppManifest], installed: dict[str, InstalledApp], request: Request) -> Plan:
    """Resolve a request as the node does."""
    with little_garbage():
        return resolve(catalog, installed, request, HOST)


def compile_all(catalog: dict[str, AppManifest], plan: Plan) -> list[Workload]:
    """Compile every app of a plan, as the node does after each change."""
    edges: dict[str, list[Edge]] = {app: [] for app in catalog}
    for edge in plan.edges:
        edges[edge.consumer].append(edge)
        edges[edge.provider].append(edge)
    ports: dict[str, dict[str, int]] = {app: {} for app in catalog}
    for key, port in plan.ports.items():
        app, _, endpoint = key.partition("/")
        ports[app][endpoint] = port
    renderer = Renderer()
    site = Site("node", "/data", "/files", HOST)
    inputs = (
        AppInput(
            package=AppPackage(manifest, ""),
            options={},
            slot=slot,
            images={"main": "localhost/app:1"},
            ports=ports[app],
            bindings=tuple(Binding(edge, catalog[edge.provider]) for edge in edges[app] if edge.consumer == app),
            consumers=tuple(Consumer(edge.interface, edge.consumer) for edge in edges[app] if edge.provider == app),
            edges=tuple(edges[app]),
        )
        for slot, (app, manifest) in enumerate(catalog.items())
    )
    with little_garbage():
        return [compile_app(given, site, renderer.for_app()) for given in inputs]


def hash_all(workloads: list[Workload]) -> list[str]:
    """Serialise and hash workloads as plainly as can be: the peer of a compilation, which has to do at least that.

    Everything that a compilation makes is in it; of files, whose content it hashes by itself, the digest.
    """

    def plain(value: object) -> object:
        if isinstance(value, SecretBytes):
            return hashlib.sha256(value.reveal()).hexdigest()
        if is_dataclass(value):
            return {one.name: getattr(value, one.name) for one in fields(value)}
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)

    encoder = json.JSONEncoder(sort_keys=True, default=plain)
    return [hashlib.sha256(encoder.encode(workload).encode()).hexdigest() for workload in workloads]


def measure(what: str, aim: float | None, rounds: int, call: Callable[[], Plan]) -> tuple[Row, Plan]:
    """Call several times, the first one cold, and return the times."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        plan = call()
        times.append((time.perf_counter() - start) * 1000)
    return Row(what, times[0], statistics.median(times), max(times), aim, len(plan.apps), len(plan.edges)), plan


def in_turn(call: Callable[[], Plan], peer: Callable[[], Plan], rounds: int) -> tuple[float, float]:
    """Return the best processor time of each in milliseconds, measured in turns."""
    best = {call: math.inf, peer: math.inf}
    gc.disable()  # as timeit does: when it collects is due to what else there is
    for _ in range(rounds):
        for one in best:
            start = time.process_time()
            one()
            best[one] = min(best[one], time.process_time() - start)
    gc.enable()
    return 1000 * best[call], 1000 * best[peer]


def installed_by(catalog: dict[str, AppManifest], plan: Plan) -> dict[str, InstalledApp]:
    """Return what is installed once a plan was carried out."""
    ports: dict[str, dict[str, int]] = {}
    for key, port in plan.ports.items():
        app, _, endpoint = key.partition("/")
        ports.setdefault(app, {})[endpoint] = port
    return {
        one.app: InstalledApp(
            catalog[one.app], {}, {edge.interface: edge.provider for edge in one.edges}, ports.get(one.app, {})
        )
        for one in plan.apps
    }


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=size(7, 1))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    start = time.perf_counter()
    small, large = make_catalog(size(1_000, 40)), make_catalog(size(10_000, 80))
    built = time.perf_counter() - start
    worst = worst_app(large)
    gc.collect()
    gc.freeze()
    rows = []
    everything = Request(install=tuple(small))
    row, plan = measure("resolve all of 1,000", None, given.rounds, lambda: make_plan(small, {}, everything))
    rows.append(row)

    def both() -> Plan:
        found = make_plan(small, {}, everything)
        assert len(compile_all(small, found)) == len(small)
        return found

    rows.append(measure("resolve + compile 1,000", 100, given.rounds, both)[0])
    made = compile_all(small, plan)

    def peer() -> Plan:
        assert len(set(hash_all(made))) == len(made)
        return plan

    rows.append(measure(PEER, None, given.rounds, peer)[0])
    turns = in_turn(both, peer, given.rounds)
    ratio = turns[0] / turns[1]
    there = installed_by(small, plan)
    rows.append(measure("boot with 1,000 installed", None, given.rounds, lambda: make_plan(small, there, Request()))[0])
    ask = Request(install=(worst,))
    rows.append(measure("worst app of 10,000", 250, given.rounds, lambda: make_plan(large, {}, ask))[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if given.json:
        print(
            json.dumps({"rows": [vars(row) for row in rows], "ratio": ratio, "models_seconds": built, "peak_mib": peak})
        )
        return
    report_rows([*rows], turns)
    print(f"{'':28}{'first ms':>10}{'median ms':>11}{'worst ms':>10}{'aim ms':>8}{'apps':>7}{'edges':>7}")
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:.0f}"
        print(f"{row.what:28}{row.first:10.1f}{row.median:11.1f}{row.worst:10.1f}{aim:>8}{row.apps:7}{row.edges:7}")
    print(f"Resolve + compile takes {ratio:.2f} times as long as to serialise and hash what comes of it (aim: 2).")
    print(
        f"Not counted: {built:.1f} s to make the {len(small) + len(large):,} manifest models. Peak memory {peak} MiB."
    )
    print(f"Python {sys.version.split()[0]}, {given.rounds} rounds each, the first one cold.")


if __name__ == "__main__":
    main()
