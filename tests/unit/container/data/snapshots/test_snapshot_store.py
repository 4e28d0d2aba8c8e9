"""Snapshots on the disk of this machine: whole or not there, and back to the byte, also after a crash at any rename."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.data.data_classes import restorable_volumes
from archipelago.container.data.snapshots.methods import LeftOut
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.namespace.agent import copies
from archipelago.errors import NodeError
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.storage.records.volumes import Mark
from support.app_records import record
from support.own_namespace import Crash
from support.snapshot_scene import (
    AFTER,
    BEFORE,
    THIRD,
    VOLUMES,
    SnapshotScene,
    mark_of,
    snapshot_scene,
    write_new,
)
from support.trees import tree


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SnapshotScene]:
    async with snapshot_scene(tmp_path) as scene:
        yield scene


async def test_what_comes_back_is_the_same_to_the_byte_and_what_never_goes_back_stays(world: SnapshotScene) -> None:
    before = {name: tree(world.folder.volume(name)) for name in ("data", "index")}
    plan = await world.plan()
    assert plan.left_out["channels"] is LeftOut.NEVER_RESTORE and plan.leads_back
    await world.take()
    copied = world.folder.snapshot(BEFORE).volume("data")
    assert (copied / "hole").stat().st_blocks == 0 and (copied / "state").stat().st_nlink == 2
    await world.marks.keep("app", {"data": (await mark_of(world, "data"))})
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
    assert (await world.marks.of("app"))["data"] == await mark_of(world, "data")


async def test_secrets_come_back_with_the_data_that_they_open(world: SnapshotScene) -> None:
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


async def test_secrets_stay_with_keys_to_money_that_stay_and_those_of_before_are_not_lost(world: SnapshotScene) -> None:
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
async def test_a_volume_with_a_disk_in_it_keeps_everything_where_it_is(world: SnapshotScene, where: str) -> None:
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


async def test_a_snapshot_that_cannot_be_read_is_not_taken_for_one_that_is_not_there(world: SnapshotScene) -> None:
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


async def test_what_cannot_be_looked_at_is_not_swept_away(world: SnapshotScene) -> None:
    await world.take()
    place = world.folder.snapshot(AFTER).path
    place.symlink_to(place)  # every look at what is in it fails
    await world.store.sweep()
    assert place.is_symlink() and list(await world.store.list("app")) == [BEFORE]


@pytest.mark.parametrize("renames", range(3))
async def test_a_crash_at_any_rename_is_gone_on_from(world: SnapshotScene, renames: int) -> None:
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


async def test_what_was_put_aside_comes_back_the_same_way(world: SnapshotScene) -> None:
    await world.take()
    write_new(world)
    new = {name: tree(world.folder.volume(name)) for name in ("data", "added")}
    await world.back()
    order = SnapshotOrder(THIRD, SnapshotKind.BEFORE_RESTORE)
    newer = await world.store.bring_back(world.record, AFTER, order, world.volumes)
    assert newer.options == {"n": 2}
    assert {name: tree(world.folder.volume(name)) for name in new} == new


async def test_a_copy_of_a_snapshot_goes_back_and_the_snapshot_stays(world: SnapshotScene) -> None:
    await world.take()
    before = tree(world.folder.volume("data"))
    write_new(world)
    await world.store.clone("app", BEFORE, THIRD)
    order = SnapshotOrder(AFTER, SnapshotKind.BEFORE_RESTORE)
    await world.store.bring_back(world.record, THIRD, order, world.volumes)
    assert tree(world.folder.volume("data")) == before == tree(world.folder.snapshot(BEFORE).volume("data"))


async def test_a_copy_that_is_cut_off_is_no_snapshot_and_leaves_nothing(
    world: SnapshotScene, monkeypatch: pytest.MonkeyPatch
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


async def test_what_one_version_must_not_lose_stays_when_a_crash_has_it_put_back_twice(world: SnapshotScene) -> None:
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


async def test_a_volume_that_is_gone_and_does_not_go_back_is_still_missed(world: SnapshotScene) -> None:
    await world.take()
    await world.marks.keep("app", {"channels": Mark(1, None)})
    world.folder.volume("channels").rename(world.folder.path / "gone")
    await world.back()
    assert "channels" in await world.marks.of("app")


async def test_keys_to_money_are_kept_also_where_only_the_version_before_says_that_they_are(
    world: SnapshotScene,
) -> None:
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
