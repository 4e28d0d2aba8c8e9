"""Records of installed apps whose template is chosen by the test."""

from pathlib import Path

from archipelago.container.manifest.package import load_package
from archipelago.storage.records.apps import AppRecord, Desired

MANIFEST = """
manifest: 1
id: {app}
name: {app}
version: "1.0"
summary: An app of a test.
description: An app of a test.
category: other
license: MIT
containers:
  main:
    image: docker.io/library/busybox@sha256:{digest}
    command: ["{command}"]
{more}
"""


def record(folder: Path, app: str, slot: int, command: str, more: str = "") -> AppRecord:
    """Return an installed app."""
    (folder / app).mkdir(parents=True)
    text = MANIFEST.format(app=app, command=command, digest="0" * 64, more=more)
    (folder / app / "manifest.yml").write_text(text)
    return AppRecord(app, load_package(folder / app), Desired.RUNNING, slot)
