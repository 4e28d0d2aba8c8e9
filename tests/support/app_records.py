"""Records of installed apps whose template is chosen by the test."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.volumes import StrictestClass

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


def record_of(manifest: AppManifest, strictest: Mapping[str, StrictestClass] = MappingProxyType({})) -> AppRecord:
    """Return an installed app with a manifest; `strictest` is what is known of its volumes."""
    return AppRecord(manifest.id, AppPackage(manifest, ""), Desired.RUNNING, 1, strictest=strictest)
