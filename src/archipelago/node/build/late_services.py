"""Services that are made when they are first asked for: an idle node does without what they import."""

import platform
from dataclasses import replace

from archipelago.api.local_network import Outlook
from archipelago.api.services.apps import BackupKeyService, SnapshotFileService
from archipelago.api.services.node import DoctorService
from archipelago.api.services.security import ConfinementService
from archipelago.node.build.parts import Parts


def snapshot_files(parts: Parts) -> SnapshotFileService:
    """Return what looks into snapshots."""
    from archipelago.backups.restic.launch import launch
    from archipelago.container.operations.snapshot_files import SnapshotFiles

    return SnapshotFiles(parts.storage.config.layout, parts.podman.namespace, parts.apps.snapshots, launch)


def backup_keys(parts: Parts) -> BackupKeyService:
    """Return what opens backups."""
    from archipelago.container.operations.backup_keys import BackupKeys

    return BackupKeys(parts.apps.parts.backups, platform.node)


def doctor(parts: Parts) -> DoctorService:
    """Return what examines host and node."""
    from archipelago.container.reports.examination import Examiner
    from archipelago.performance.doctor import Doctor

    async def outlook() -> Outlook:
        return replace(await parts.local_access.examined(), onions=parts.onions.problems)

    podman, apps = parts.podman, parts.apps
    found = Doctor(parts.storage.config, podman.info, podman.not_enforced)
    return Examiner(found, podman.client, apps.volumes, apps.reconciler, outlook)


def confinement(parts: Parts) -> ConfinementService:
    """Return what looks how containers are confined."""
    from archipelago.container.reports.security import SecurityReporter

    podman, apps = parts.podman, parts.apps
    return SecurityReporter(apps.reconciler, podman.firewall, apps.inventory, podman.cgroup)
