"""The 12-app graph that is brought up and down: each app a network of its own, and one per dependency."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

EDGES = {
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
    build: {build}
    entrypoint: {entrypoint}
    stop: {{signal: SIGQUIT, grace: 5s}}
    init: true
"""
_BUILD = "{type: packages, packages: [busybox-static]}"
SLEEP = ("/usr/bin/busybox", "sleep", "100000")


def manifest(app: str, build: str = _BUILD, entrypoint: Iterable[str] = SLEEP) -> str:
    """Return the manifest of an app that does nothing else; `build` is YAML."""
    return _MANIFEST.format(app=app, build=build, entrypoint=json.dumps([*entrypoint]))


def write_catalog(edges: dict[str, tuple[str, ...]] = EDGES) -> Path:
    """Write a catalog folder with one app per node of the graph."""
    folder = Path(tempfile.mkdtemp(prefix="bench-catalog-"))
    for app, providers in edges.items():
        text = manifest(app) + f"provides:\n  {app}-service: {{container: main, port: 80}}\n"
        if providers:
            text += "requires:\n" + "".join(f"  {each}-service: {{wait: started}}\n" for each in providers)
        (folder / app).mkdir()
        (folder / app / "manifest.yml").write_text(text)
    return folder
