"""Checks of the databases and streamed files that a manifest declares: can the node reach what they name? Pure."""

from collections.abc import Iterator
from dataclasses import replace

from archipelago.container.manifest.checks.findings import unknown
from archipelago.container.manifest.checks.volume_paths import check_volume_paths
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import CommandDatabase, LmdbDatabase, SqliteDatabase
from archipelago.container.manifest.model.declared import Declared
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path


def check_databases(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    """Yield everything that does not fit together."""
    for name, volume in manifest.volumes.items():
        if volume.stream is not None:
            for problem in check_volume_paths((), (volume.stream,), declared.options, whole=False):
                yield replace(problem, path=("volumes", name, "stream"))
        here: Path = ("volumes", name, "database")
        match volume.database:
            case None:
                continue
            case SqliteDatabase(paths=paths) | LmdbDatabase(paths=paths):
                yield from check_volume_paths((*here, "paths"), paths, declared.options, whole=False)
            case server:
                yield from unknown((*here, "container"), "container", server.container, declared.containers)
                yield from _mounted((*here, "container"), manifest, name, server.container)
                if not isinstance(server, CommandDatabase) and server.secret is not None:
                    yield from unknown((*here, "secret"), "secret", server.secret, declared.secrets)


def _mounted(path: Path, manifest: AppManifest, volume: str, container: str) -> Iterator[PathProblem]:
    mounting = [
        name for name, each in manifest.containers.items() if any(mount.volume == volume for mount in each.mounts)
    ]
    if container in manifest.containers and container not in mounting:
        expected = f"one of: {', '.join(mounting)}" if mounting else None
        yield PathProblem(path, f"the container '{container}' does not mount the volume '{volume}'", expected)
