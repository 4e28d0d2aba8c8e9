"""Snapshots on the disk of this machine: whole or not there, and back to the byte, also after a crash at any rename."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.container.data.data_classes import RestorableVolume, restorable_volumes
from archipelago.container.data.kept import KeptStore
from archipelago.container.data.snapshots.methods import CopyMethod, CopyPlan, LeftOut
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.namespace.agent import copies
from archipelago.container.namespace.found import Survey
from archipelago.errors import NodeError
from archipelago.storage.layout import AppFolder, Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.records.volumes import Mark
from archipelago.storage.stores.volume_marks import VolumeMarks
from support.app_records import record
from support.databases import new_database
from support.own_namespace import Crash, OwnNamespace
from support.trees import tree

BEFORE, AFTER, THIRD = (f"2026-11-29T10-00-0{second}.000Z" for second in range(3))
VOLUMES = """    mounts: [{volume: data, path: /a}, {volume: index, path: /b}, {volume: channels, path: /c}]
volumes:
  data: {data: files}
  index: {data: rebuildable}
  channels: {data: never-restore, funds: true, exclusive: true}
"""


@dataclass
class World:
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


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
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
    yield World(SnapshotStore(layout, cast(Any, namespace), marks), namespace, app, newer, folder, marks)
    await database.close()


def write_new(world: World) -> None:
    """Have a new version change everything, and make a volume of its own."""
    data = world.folder.volume("data")
    (data / "state").write_text("new")
    (data / "deep" / "odd\nname").unlink()
    (world.folder.volume("channels") / "state").write_text("new")
    world.folder.volume("added").mkdir()
    world.folder.secret("key").write_bytes(b"new")
    world.folder.secret("edge.i.other").write_bytes(b"new")


async def test_what_comes_back_is_the_same_to_the_byte_and_what_never_goes_back_stays(world: World) -> None:
    before = {name: tree(world.folder.volume(name)) for name in ("data", "index")}
    plan = await world.plan()
    assert plan.left_out["channels"] is LeftOut.NEVER_RESTORE and plan.leads_back
    await world.take()
    copied = world.folder.snapshot(BEFORE).volume("data")
    assert (copied / "hole").stat().st_blocks == 0 and (copied / "state").stat().st_nlink == 2
    await world.marks.keep("app", {"data": (await found(world, "data"))})
    write_new(world)
    new = {name: tree(world.folder.volume(name)) for name in ("data", "added")}
    assert (await world.back()).options == {}
    for name in plan.methods:
        assert tree(world.folder.volume(name)) == before[name]
    assert (world.folder.volume("channels") / "state").read_text() == "new"
    assert not world.folder.volume("added").exists()
    aside = world.folder.snapshot(AFTER)
    assert {name: tree(aside.volume(name)) for name in new} == new
    assert (aside.secrets / "key.age").read_bytes() == b"new"
    assert world.folder.secret("key").read_bytes() == b"new", "the keys to money that stay are opened by it"
    assert (await world.marks.of("app"))["data"] == await found(world, "data")


async def test_secrets_come_back_with_the_data_that_they_open(world: World) -> None:
    shutil.rmtree(world.folder.volume("channels"))
    world.folder.secret("forgotten").write_bytes(b"old")
    await world.take()
    for name in ("key", "edge.i.other"):
        world.folder.secret(name).write_bytes(b"new")
    world.folder.secret("forgotten").unlink()
    assert await world.store.keys_without_secrets(world.newer, BEFORE, world.volumes) == ()
    await world.back()
    assert {name: world.folder.secret(name).read_bytes() for name in ("key", "forgotten", "edge.i.other")} == {
        "key": b"old",
        "forgotten": b"old",
        "edge.i.other": b"new",  # the login of another app is not its data
    }


async def test_secrets_stay_with_keys_to_money_that_stay_and_those_of_before_are_not_lost(world: World) -> None:
    world.folder.secret("forgotten").write_bytes(b"old")
    await world.take()
    assert await world.store.keys_without_secrets(world.newer, BEFORE, world.volumes) == ()
    world.folder.secret("key").write_bytes(b"new")
    world.folder.secret("forgotten").unlink()
    assert await world.store.keys_without_secrets(world.newer, BEFORE, world.volumes) == ("channels",)
    await world.back()
    assert world.folder.secret("key").read_bytes() == b"new"
    assert world.folder.secret("forgotten").read_bytes() == b"old", "it opens nothing else"
    await world.store.delete_spent("app", BEFORE)
    assert (world.folder.snapshot(BEFORE).secrets / "key.age").read_bytes() == b"old"


@pytest.mark.parametrize("where", ["data", "data/deep", "snapshot"])
async def test_a_volume_with_a_disk_in_it_keeps_everything_where_it_is(world: World, where: str) -> None:
    await world.take()
    write_new(world)
    before = tree(world.folder.path)
    volumes = world.folder.snapshot(BEFORE).volumes if where == "snapshot" else world.folder.volumes
    world.namespace.mounted.add(str(volumes / ("data" if where == "snapshot" else where)))
    with pytest.raises(NodeError, match="a disk is mounted at"):
        await world.back()
    assert tree(world.folder.path) == before
    world.namespace.mounted = {str(world.folder.volume("channels"))}
    await world.back()


async def test_a_snapshot_that_cannot_be_read_is_not_taken_for_one_that_is_not_there(world: World) -> None:
    await world.take()
    await world.take(THIRD)
    about = world.folder.snapshot(BEFORE).about
    about.unlink()
    about.mkdir()  # a disk that fails cannot be had, and reading a directory fails as well
    place = world.folder.snapshot(BEFORE).path
    before = tree(place)
    for attempt in (world.take, world.back):
        with pytest.raises(NodeError, match="Is a directory"):
            await attempt()
    await world.store.sweep()
    await world.store.thin_out("app")
    assert tree(place) == before and list(await world.store.list("app")) == [THIRD]


async def test_what_cannot_be_looked_at_is_not_swept_away(world: World) -> None:
    await world.take()
    place = world.folder.snapshot(AFTER).path
    place.symlink_to(place)  # every look at what is in it fails
    await world.store.sweep()
    assert place.is_symlink() and list(await world.store.list("app")) == [BEFORE]


async def found(world: World, name: str) -> Any:
    look = await world.namespace.look(str(world.folder.volume(name)), 1, 1, 1)
    assert look is not None
    return look.mark


@pytest.mark.parametrize("renames", range(3))
async def test_a_crash_at_any_rename_is_gone_on_from(world: World, renames: int) -> None:
    before = tree(world.folder.volume("data"))
    await world.take()
    write_new(world)
    new = tree(world.folder.volume("data"))
    world.namespace.crash_after = renames
    with pytest.raises(Crash):
        await world.back()
    await world.store.sweep()
    assert set(await world.store.list("app")) == {BEFORE, AFTER}, "what was moved is not swept"
    world.namespace.crash_after = None
    await world.back()
    await world.back()
    assert tree(world.folder.volume("data")) == before
    assert tree(world.folder.snapshot(AFTER).volume("data")) == new


async def test_what_was_put_aside_comes_back_the_same_way(world: World) -> None:
    await world.take()
    write_new(world)
    new = {name: tree(world.folder.volume(name)) for name in ("data", "added")}
    await world.back()
    order = SnapshotOrder(THIRD, SnapshotKind.BEFORE_RESTORE)
    newer = await world.store.bring_back(world.record, AFTER, order, world.volumes)
    assert newer.options == {"n": 2}
    assert {name: tree(world.folder.volume(name)) for name in new} == new


async def test_a_copy_of_a_snapshot_goes_back_and_the_snapshot_stays(world: World) -> None:
    await world.take()
    before = tree(world.folder.volume("data"))
    write_new(world)
    await world.store.clone("app", BEFORE, THIRD)
    order = SnapshotOrder(AFTER, SnapshotKind.BEFORE_RESTORE)
    await world.store.bring_back(world.record, THIRD, order, world.volumes)
    assert tree(world.folder.volume("data")) == before == tree(world.folder.snapshot(BEFORE).volume("data"))


async def test_a_copy_that_is_cut_off_is_no_snapshot_and_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = asyncio.Event()

    async def never(*_: str) -> None:
        under_way.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(world.namespace, "copy", never)
    task = asyncio.create_task(world.take())
    await under_way.wait()
    assert await world.store.list("app") == {}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not world.folder.snapshot(BEFORE).path.exists()
    monkeypatch.undo()
    # A kill leaves the half of one, which the next start sweeps, and another try does not take for a copy.
    world.folder.snapshot(BEFORE).volume("data").mkdir(parents=True)
    await world.take()
    await world.store.about("app", BEFORE)
    world.folder.snapshot(THIRD).volume("data").mkdir(parents=True)
    await world.store.sweep()
    assert set(await world.store.list("app")) == {BEFORE} and not world.folder.snapshot(THIRD).path.exists()
    await world.store.delete_swept()
    assert [path.name for path in world.folder.snapshots.iterdir()] == [BEFORE]
    with pytest.raises(NodeError, match="no snapshot"):
        await world.store.about("app", THIRD)


async def test_keys_to_money_that_were_moved_aside_outlive_the_removal_of_the_app(world: World) -> None:
    kept = KeptStore(Layout(world.folder.path.parent.parent, Path("/")), cast(Any, world.namespace))
    with_funds = VOLUMES.replace("{data: files}", "{data: files, funds: true}")
    catalog = world.folder.path.parent.parent / "with-funds"
    world.record = world.newer = record(catalog, "app", 1, "run", with_funds)
    await world.take()
    await world.back()
    await world.take(THIRD)
    await kept.keep_snapshots("app", ())
    await kept.keep_snapshots("app", ())
    assert set(await world.store.list("app")) == {BEFORE, THIRD}, "these are copies"
    (found,) = await kept.list()
    assert (found.kept, found.version, [each.name for each in found.volumes]) == (AFTER, "1.0", ["data"])


async def test_a_clock_that_is_set_back_does_not_make_the_newest_snapshot_the_oldest(world: World) -> None:
    await world.take(THIRD)
    await world.take(BEFORE)
    assert list(await world.store.list("app")) == [THIRD, BEFORE], "in the order in which they were taken"
    await world.store.thin_out("app")
    assert set(await world.store.list("app")) == {BEFORE}
    write_new(world)
    await world.store.bring_back(world.newer, BEFORE, SnapshotOrder(AFTER, SnapshotKind.REJECTED), world.volumes)
    assert list(await world.store.list("app")) == [BEFORE, AFTER]


async def test_what_one_version_must_not_lose_stays_when_a_crash_has_it_put_back_twice(world: World) -> None:
    await world.take()
    write_new(world)
    proofs = VOLUMES.replace("{data: files}", "{data: append-proof, funds: true}")
    now = record(world.folder.path.parent.parent / "proofs", "app", 1, "run", proofs)
    aside = SnapshotOrder(AFTER, SnapshotKind.BEFORE_RESTORE)
    then = world.record.package.manifest
    await world.marks.keep("app", {"data": Mark(1, None)})
    for installed in (now, world.record):  # the record is back already when it goes on
        await world.store.bring_back(installed, BEFORE, aside, restorable_volumes(installed, then))
        assert (world.folder.volume("data") / "state").read_text() == "new"
    assert (await world.marks.of("app"))["data"] == Mark(1, None), "nobody has looked whether it is the right one"


async def test_a_volume_that_is_gone_and_does_not_go_back_is_still_missed(world: World) -> None:
    await world.take()
    await world.marks.keep("app", {"channels": Mark(1, None)})
    world.folder.volume("channels").rename(world.folder.path / "gone")
    await world.back()
    assert "channels" in await world.marks.of("app")


async def test_keys_to_money_are_kept_also_where_only_the_version_before_says_that_they_are(world: World) -> None:
    world.record = record(
        world.folder.path.parent.parent / "with-funds",
        "app",
        1,
        "run",
        VOLUMES.replace("{data: files}", "{data: files, funds: true}"),
    )
    await world.take()
    write_new(world)
    await world.back()
    assert (await world.store.about("app", AFTER)).funds


async def test_what_did_not_come_back_of_a_snapshot_stays_until_its_owner_deletes_it(world: World) -> None:
    await world.take()
    order = SnapshotOrder(AFTER, SnapshotKind.BEFORE_RESTORE)
    await world.store.bring_back(world.record, BEFORE, order, world.volumes)
    await world.store.delete_spent("app", BEFORE)
    await world.store.delete_spent("app", BEFORE)
    assert set(await world.store.list("app")) == {AFTER}
    await world.store.bring_back(world.record, AFTER, SnapshotOrder(THIRD, SnapshotKind.BEFORE_RESTORE), ())
    for _ in range(2):
        await world.store.delete_spent("app", AFTER)
        await world.store.thin_out("app")
        left = await world.store.about("app", AFTER)
        assert left.funds and set(left.volumes) == {"data"}


FUNDS = VOLUMES.replace("{data: files}", "{data: files, funds: true}")


@pytest.mark.parametrize("stayed", ["volume", "secret"])
async def test_what_did_not_come_back_of_an_undone_update_outlives_later_ones_and_the_app(
    world: World, tmp_path: Path, stayed: str
) -> None:
    world.record = record(tmp_path / "with-funds", "app", 1, "run", FUNDS)
    await world.take()
    write_new(world)
    if stayed == "volume":  # as one does that a version since then has declared a proof of money
        await world.store.bring_back(world.record, BEFORE, SnapshotOrder(AFTER, SnapshotKind.REJECTED), ())
    else:
        await world.back()
    await world.store.delete_spent("app", BEFORE)
    part = world.folder.snapshot(BEFORE).path / ("volumes" if stayed == "volume" else "secrets")
    rest = tree(part)
    await world.take(THIRD)
    await world.store.thin_out("app")
    found = await world.store.list("app")
    assert BEFORE in found and found[BEFORE].kind.is_moved, "no update can be undone with it any more"
    assert tree(part) == rest
    await KeptStore(world.store._layout, cast(Any, world.namespace)).keep_snapshots("app", ())
    assert (world.folder.kept / BEFORE).is_dir() and not (world.folder.kept / THIRD).exists(), "the app may go"


async def test_a_copy_of_before_an_update_goes_only_once_its_data_is_in_use_and_a_newer_one_is_there(
    world: World, tmp_path: Path
) -> None:
    world.record = record(tmp_path / "with-funds", "app", 1, "run", FUNDS)
    await world.take()
    old = tree(world.folder.snapshot(BEFORE).volume("data"))
    await world.store.thin_out("app")
    assert set(await world.store.list("app")) == {BEFORE}, "the newest stays"
    write_new(world)
    new = tree(world.folder.volume("data"))
    await world.back()
    assert tree(world.folder.volume("data")) == old, "what the snapshot had is in use"
    await world.store.delete_spent("app", BEFORE)
    await world.store.thin_out("app")
    for _ in range(2):
        await world.take(THIRD)
        await world.store.thin_out("app")
    assert set(await world.store.list("app")) >= {AFTER, THIRD}
    assert tree(world.folder.snapshot(AFTER).volume("data")) == new, "and so is what was there until then"


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1000))  # type: ignore[attr-defined]


async def test_a_copy_for_which_the_room_went_since_it_was_planned_is_not_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = CopyPlan({"data": (CopyMethod.COPY,)}, bytes=1 << 30, free=1 << 40)
    no_room(monkeypatch)
    with pytest.raises(NodeError, match="are missing"):
        await world.take_by(SnapshotOrder(BEFORE, SnapshotKind.MANUAL), plan)
    assert not world.folder.snapshot(BEFORE).path.exists()


async def test_a_plain_copy_that_nobody_planned_needs_its_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def survey(_: str) -> Survey:
        return Survey(5000, subvolume=True)  # as it was when it was planned, on a disk that makes no more of them

    monkeypatch.setattr(world.namespace, "survey", survey)
    plan = CopyPlan({"data": (CopyMethod.SUBVOLUME, CopyMethod.COPY)})
    with monkeypatch.context() as patch:
        no_room(patch)
        with pytest.raises(NodeError, match="are missing"):
            await world.take_by(SnapshotOrder(BEFORE, SnapshotKind.MANUAL), plan)
    assert not world.folder.snapshot(BEFORE).path.exists()
    await world.take_by(SnapshotOrder(BEFORE, SnapshotKind.MANUAL), plan)
    assert (await world.store.about("app", BEFORE)).volumes == {"data": "copy"}


async def test_a_scheduled_snapshot_is_not_copied_byte_by_byte_unless_that_was_planned(world: World) -> None:
    order = SnapshotOrder(BEFORE, SnapshotKind.SCHEDULED)
    plan = CopyPlan({"data": (CopyMethod.SUBVOLUME, CopyMethod.COPY)})
    with pytest.raises(NodeError):
        await world.take_by(order, plan)
    assert not world.folder.snapshot(BEFORE).path.exists()
    await world.take_by(order, CopyPlan({"data": (CopyMethod.COPY,)}))


async def test_all_who_ask_at_once_whether_files_share_their_blocks_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cp = tmp_path / "bin" / "cp"
    cp.parent.mkdir()
    cp.write_text(f'#!/bin/sh\nshift 2\nexec {shutil.which("cp")} -- "$@"\n')
    cp.chmod(0o755)
    monkeypatch.setenv("PATH", f"{cp.parent}:{os.environ['PATH']}")
    (tmp_path / "trial").mkdir()
    asked = [asyncio.to_thread(copies.can_clone, str(tmp_path / "trial")) for _ in range(16)]
    assert all(answer["clones"] for answer in await asyncio.gather(*asked))


async def test_retention_keeps_the_last_of_before_an_update(world: World) -> None:
    for name in (BEFORE, AFTER, THIRD):
        await world.take(name)
    await world.store.thin_out("app")
    assert set(await world.store.list("app")) == {THIRD}


async def test_what_the_disk_refuses_to_delete_is_reported_to_the_owner(world: World) -> None:
    await world.take()
    about = world.folder.snapshot(BEFORE).about
    about.unlink()
    about.mkdir()
    with pytest.raises(NodeError, match=r"about\.json"):
        await world.store.delete("app", BEFORE)


def test_the_tree_sees_what_a_copy_can_lose(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    seen = tree(tmp_path)
    for change in (
        "chmod 0600 a",
        "touch -d @5 a",
        "setfattr -n user.x -v 1 a || ln -s b c",
        "ln a b",
        "rm a; mkfifo a",
    ):
        subprocess.run(["sh", "-c", change], cwd=tmp_path, check=True, capture_output=True)
        assert tree(tmp_path) != seen, change
        seen = tree(tmp_path)
