"""What looks after the data of apps: volumes, marks, and leases of states that are never restored."""

from dataclasses import dataclass

from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.lease_keeper import LeaseKeeper
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.data.volumes import AppData
from archipelago.node.build.podman import PodmanHost
from archipelago.node.build.storage import Storage
from archipelago.storage.stores.leases import LeaseLedgers
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.storage.stores.volume_marks import VolumeMarks


@dataclass(frozen=True, slots=True)
class DataParts:
    """What looks after the data of apps."""

    leases: LeaseKeeper
    volumes: VolumeKeeper
    kept: KeptStore
    snapshots: SnapshotStore
    apps: AppData


def build_data(storage: Storage, podman: PodmanHost, limits: OwnLimitStore) -> DataParts:
    """Build it; nothing of it runs by itself."""
    layout, namespace, marks = storage.config.layout, podman.namespace, VolumeMarks(storage.database)
    leases = LeaseKeeper(layout, namespace, LeaseLedgers(storage.database))
    kept = KeptStore(layout, namespace)
    return DataParts(
        leases,
        VolumeKeeper(namespace, marks, leases.hold),
        kept,
        SnapshotStore(layout, namespace, marks),
        AppData(layout, namespace, storage.secrets, storage.state, marks, kept, limits),
    )
