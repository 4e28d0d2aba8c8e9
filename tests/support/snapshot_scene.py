"""An app with data on the disk of this machine, and its snapshots."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from archipelago.container.data.data_classes import RestorableVolume, restorable_volumes
from archipelago.container.data.snapshots.methods import CopyPlan
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.storage.layout import AppFolder, Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.stores.volume_marks import VolumeMarks
from support.app_records import record
from support.databases import new_database
from support.own_namespace import OwnNamespace

BEFORE, AFTER, THIRD = (f"2026-11-29T10-00-0{second}.000Z" for second in range(3))


VOLUMES = """    mounts: [{volume: data, path: /a}, {volume: index, path: /b}, {volume: channels, path: /c}]
volumes:
  data: {data: files}
  index: {data: rebuildable}
  channels: {data: never-restore, funds: true, exclusive: true}
"""


@dataclass
class SnapshotScene:
    """An app with data, and its snapshots."""

    store: SnapshotStore
    namespace: OwnNamespace
    record: AppRecord
    newer: AppRecord
    """Of a version that has one volume more."""
    folder: AppFolder
    marks: VolumeMarks

    @property
    def volumes(self) -> tuple[RestorableVolume, ...]:
        return restorable_volumes(self.record, self.newer.package.manifest)

    async def plan(self) -> CopyPlan:
        return await self.store.plan("app", restorable_volumes(self.record))

    async def take(self, name: str = BEFORE) -> None:
        await self.take_by(SnapshotOrder(name, SnapshotKind.BEFORE_UPDATE), await self.plan())

    async def take_by(self, order: SnapshotOrder, plan: CopyPlan) -> None:
        await self.store.lay_out(self.record, order.name)
        await self.store.take(self.record, order, plan)

    async def back(self) -> AppRecord:
        return await self.store.bring_back(
            self.newer, BEFORE, SnapshotOrder(AFTER, SnapshotKind.REJECTED), self.volumes
        )


@asynccontextmanager
async def snapshot_scene(tmp_path: Path) -> AsyncIterator[SnapshotScene]:
    layout = Layout(tmp_path, tmp_path / "run")
    folder = layout.app("app")
    for name in ("data", "index", "channels"):
        folder.volume(name).mkdir(parents=True)
        (folder.volume(name) / "state").write_text("old")
    data = folder.volume("data")
    (data / "deep" / "deeper").mkdir(parents=True)
    (data / "deep" / "odd\nname").write_bytes(b"\0" * 5000)
    os.link(data / "state", data / "second name")
    (data / "link").symlink_to("/etc/passwd")
    os.mkfifo(data / "pipe")
    with (data / "hole").open("wb") as file:
        file.truncate(1 << 24)
    os.setxattr(data / "state", "user.mark", b"1")
    (data / "deep").chmod(0o2751)
    os.utime(data / "deep", ns=(1, 2))
    folder.secrets.mkdir()
    folder.secret("key").write_bytes(b"old")
    folder.secret("edge.i.other").write_bytes(b"old")
    database = await new_database(tmp_path / "state.db")
    marks, namespace = VolumeMarks(database), OwnNamespace()
    app = record(tmp_path / "catalog", "app", 1, "run", VOLUMES)
    more = VOLUMES.replace("}]", "}, {volume: added, path: /d}]") + "  added: {data: files}"
    newer = replace(record(tmp_path / "newer", "app", 1, "run", more), options={"n": 2})
    yield SnapshotScene(SnapshotStore(layout, cast(Any, namespace), marks), namespace, app, newer, folder, marks)
    await database.close()


def write_new(world: SnapshotScene) -> None:
    """Have a new version change everything, and make a volume of its own."""
    data = world.folder.volume("data")
    (data / "state").write_text("new")
    (data / "deep" / "odd\nname").unlink()
    (world.folder.volume("channels") / "state").write_text("new")
    world.folder.volume("added").mkdir()
    world.folder.secret("key").write_bytes(b"new")
    world.folder.secret("edge.i.other").write_bytes(b"new")


async def mark_of(world: SnapshotScene, name: str) -> Any:
    look = await world.namespace.look(str(world.folder.volume(name)), 1, 1, 1)
    assert look is not None
    return look.mark


FUNDS = VOLUMES.replace("{data: files}", "{data: files, funds: true}")
