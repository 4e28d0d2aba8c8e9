"""What makes, reads and proves backups."""

import sys
from dataclasses import dataclass

from archipelago.backups.databases import Databases
from archipelago.backups.drill import Drill
from archipelago.backups.dumps.streams import DumpStreams
from archipelago.backups.dumps.writer import DumpWriter
from archipelago.backups.maker import BackupMaker
from archipelago.backups.reader import BackupReader
from archipelago.backups.restic.launch import Launch
from archipelago.container.namespace.client import Namespace
from archipelago.container.operations.dump_loads import DumpLoads
from archipelago.container.operations.trial.trial_runs import TrialRuns
from archipelago.container.podman_client.client import PodmanClient
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import Layout


@dataclass(frozen=True, slots=True)
class BackupTools:
    """Each works with what a job gives it."""

    maker: BackupMaker
    reader: BackupReader
    drill: Drill
    loads: DumpLoads


def backup_tools(
    layout: Layout,
    podman: PodmanClient,
    namespace: Namespace,
    secrets: SecretsManager,
    trials: TrialRuns,
    launch: Launch,
) -> BackupTools:
    """Return all of them."""
    databases = Databases(launch, layout.backup_view, sys.executable)
    streams = DumpStreams(podman.containers)
    reader = BackupReader(layout, namespace, databases, launch, sys.executable)
    return BackupTools(
        BackupMaker(layout, namespace, databases, DumpWriter(streams, secrets)),
        reader,
        Drill(reader),
        DumpLoads(trials, streams, namespace, secrets),
    )
