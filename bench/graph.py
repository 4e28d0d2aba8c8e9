"""The 12-app graph that is brought up and down: each app a network of its own, and one per dependency."""

import tempfile
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
    build: {{type: packages, packages: [busybox-static]}}
    entrypoint: [/usr/bin/busybox, sleep, "100000"]
    stop: {{signal: SIGQUIT, grace: 5s}}
    init: true
provides:
  {app}-service: {{container: main, port: 80}}
"""


def write_catalog(edges: dict[str, tuple[str, ...]] = EDGES) -> Path:
    """Write a catalog folder with one app per node of the graph."""
    folder = Path(tempfile.mkdtemp(prefix="bench-catalog-"))
    for app, providers in edges.items():
        text = _MANIFEST.format(app=app)
        if providers:
            text += "requires:\n" + "".join(f"  {each}-service: {{wait: started}}\n" for each in providers)
        (folder / app).mkdir()
        (folder / app / "manifest.yml").write_text(text)
    return folder
