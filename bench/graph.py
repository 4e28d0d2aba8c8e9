"""The 12-app graph that is brought up and down: each app a network of its own, and one per dependency."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_TWELVE: dict[str, tuple[str, ...]] = {
    "a1": (),
    "a2": ("a1",),
    "a3": ("a1",),
    "a4": ("a1", "a2"),
    "a5": ("a2",),
    "a6": (),
    "a7": ("a6",),
    "a8": ("a6", "a1"),
    "a9": ("a3",),
    "a10": ("a4",),
    "a11": ("a7",),
    "a12": (),
}
EDGES = {app: _TWELVE[app] for app in list(_TWELVE)[: 2 if os.environ.get("BENCH_SMOKE") else None]}

_MANIFEST = """manifest: 1
id: {app}
name: {app}
version: 1
summary: A benchmark
description: A benchmark
category: other
license: MIT
containers:
  main:
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: {entrypoint}
    stop: {{signal: SIGQUIT, grace: 5s}}
    init: true
{health}"""
PROBE = ("/usr/bin/busybox", "true")
PROBED = f"    health: {{probe: {{type: exec, command: {json.dumps(PROBE)}}}, interval: 1h}}\n"
"""A probe that answers at once and then rests: without one, an app is up only when it has run for ten seconds."""
SLEEP = ("/usr/bin/busybox", "sleep", "100000")


def manifest(app: str, entrypoint: Iterable[str] = SLEEP, health: str = "") -> str:
    """Return the manifest of an app that does nothing else."""
    return _MANIFEST.format(app=app, entrypoint=json.dumps([*entrypoint]), health=health)


def write_catalog(edges: dict[str, tuple[str, ...]] = EDGES, health: str = "") -> Path:
    """Write a catalog folder with one app per node of the graph."""
    folder = Path(tempfile.mkdtemp(prefix="bench-catalog-"))
    for app, providers in edges.items():
        text = manifest(app, health=health) + f"provides:\n  {app}-service: {{container: main, port: 80}}\n"
        if providers:
            text += "requires:\n" + "".join(f"  {each}-service: {{wait: started}}\n" for each in providers)
        (folder / app).mkdir()
        (folder / app / "manifest.yml").write_text(text)
    return folder
