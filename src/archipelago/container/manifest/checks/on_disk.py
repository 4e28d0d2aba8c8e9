"""Checks of what a manifest says of files on disk: rules, repairs, and data that belongs to a provider's setting."""

from collections.abc import Iterator, Mapping

from archipelago.container.manifest.checks.databases import check_databases
from archipelago.container.manifest.checks.findings import misfit, unknown
from archipelago.container.manifest.checks.volume_paths import check_volume_paths
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.manifest.model.declared import Declared
from archipelago.container.manifest.model.on_disk import DiskRule, Repair
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path


def check_on_disk(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    """Yield everything that does not fit together."""
    yield from _kept_apart(manifest, declared)
    yield from check_databases(manifest, declared)
    for index, rule in enumerate(manifest.disk_rules):
        yield from _rule(manifest, ("disk_rules", index), rule, declared)
    for name, repair in manifest.repairs.items():
        yield from _repair(manifest, ("repairs", name), repair, declared)
        yield from _copies(manifest, ("repairs", name), repair, declared)


def _kept_apart(manifest: AppManifest, declared: Declared) -> Iterator[PathProblem]:
    for name, volume in manifest.volumes.items():
        interface = volume.per.partition(".")[0] if volume.per is not None else None
        if interface is None:
            continue
        path: Path = ("volumes", name, "per")
        if declared.complete:
            yield from unknown(path, "interface", interface, manifest.requires)
        if interface in manifest.requires and manifest.requires[interface].optional:
            yield PathProblem(path, f"the interface '{interface}' is optional, so there may be no such value")


def _rule(manifest: AppManifest, here: Path, rule: DiskRule, declared: Declared) -> Iterator[PathProblem]:
    for name, value in rule.when.items():
        yield from unknown((*here, "when", name), "option", name, declared.options, at_key=True)
        yield from misfit((*here, "when", name), name, manifest.options.get(name), value)
    yield from unknown((*here, "volume"), "volume", rule.volume, declared.volumes)
    if rule.volume in manifest.volumes and manifest.volumes[rule.volume].per is not None:
        yield PathProblem(
            (*here, "volume"), f"the volume '{rule.volume}' is kept apart by 'per', and no rule looks into it"
        )
    if rule.repair is not None and declared.complete:
        yield from unknown((*here, "repair"), "repair", rule.repair, manifest.repairs)
    for part, paths in (("present", rule.present), ("absent", rule.absent)):
        yield from check_volume_paths((*here, part), paths, declared.options, whole=False)


def _copies(manifest: AppManifest, here: Path, repair: Repair, declared: Declared) -> Iterator[PathProblem]:
    for name, folder in repair.copies.items():
        path: Path = (*here, "copies", name)
        yield from unknown(path, "volume", name, declared.volumes, at_key=True)
        yield from check_volume_paths(path, (folder,), declared.options, whole=False)
        volume = manifest.volumes.get(name)
        if volume is not None and volume.stream is None:
            yield PathProblem(path, f"the volume '{name}' has no 'stream' of which there are copies", at_key=True)


def _repair(manifest: AppManifest, here: Path, repair: Repair, declared: Declared) -> Iterator[PathProblem]:
    for name in repair.arguments:
        path: Path = (*here, "arguments", name)
        yield from unknown(path, "container", name, declared.containers, at_key=True)
        container = manifest.containers.get(name)
        if container is not None and not container.command and not container.entrypoint:
            message = f"the container '{name}' has neither 'command' nor 'entrypoint' that arguments could be added to"
            yield PathProblem(path, message, at_key=True)
    files: tuple[tuple[str, Mapping[str, tuple[str, ...]]], ...] = (
        ("set_aside", repair.set_aside),
        ("discard", repair.discard),
    )
    for part, by_volume in files:
        for name, paths in by_volume.items():
            path = (*here, part, name)
            yield from unknown(path, "volume", name, declared.volumes, at_key=True)
            yield from check_volume_paths(path, paths, declared.options, whole=part == "discard")
            volume = manifest.volumes.get(name)
            if part == "discard" and volume is not None and volume.data is not DataClass.REBUILDABLE:
                message = f"what is in the volume '{name}' cannot be made again, so no repair may delete it"
                yield PathProblem(path, message, "'set_aside', or 'data: rebuildable' for the volume", at_key=True)
