"""Which snapshots go and which stay, and where there is no room for one."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.container.data.kept import KeptStore
from archipelago.container.data.snapshots.methods import CopyMethod, CopyPlan
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.namespace.found import Survey
from archipelago.errors import NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.snapshots import SnapshotKind
from support.app_records import record
from support.snapshot_scene import AFTER, BEFORE, FUNDS, THIRD, VOLUMES, SnapshotScene, snapshot_scene, write_new
from support.trees import tree


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[SnapshotScene]:
    async with snapshot_scene(tmp_path) as scene:
        yield scene


async def test_keys_to_money_that_were_moved_aside_outlive_the_removal_of_the_app(world: SnapshotScene) -> None:
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


async def test_a_clock_that_is_set_back_does_not_make_the_newest_snapshot_the_oldest(world: SnapshotScene) -> None:
    await world.take(THIRD)
    await world.take(BEFORE)
    assert list(await world.store.list("app")) == [THIRD, BEFORE], "in the order in which they were taken"
    await world.store.thin_out("app")
    assert set(await world.store.list("app")) == {BEFORE}
    write_new(world)
    await world.store.bring_back(world.newer, BEFORE, SnapshotOrder(AFTER, SnapshotKind.REJECTED), world.volumes)
    assert list(await world.store.list("app")) == [BEFORE, AFTER]


async def test_what_did_not_come_back_of_a_snapshot_stays_until_its_owner_deletes_it(world: SnapshotScene) -> None:
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


@pytest.mark.parametrize("stayed", ["volume", "secret"])
async def test_what_did_not_come_back_of_an_undone_update_outlives_later_ones_and_the_app(
    world: SnapshotScene, tmp_path: Path, stayed: str
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
    world: SnapshotScene, tmp_path: Path
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
    world: SnapshotScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = CopyPlan({"data": (CopyMethod.COPY,)}, bytes=1 << 30, free=1 << 40)
    no_room(monkeypatch)
    with pytest.raises(NodeError, match="are missing"):
        await world.take_by(SnapshotOrder(BEFORE, SnapshotKind.MANUAL), plan)
    assert not world.folder.snapshot(BEFORE).path.exists()


async def test_a_plain_copy_that_nobody_planned_needs_its_room(
    world: SnapshotScene, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_a_scheduled_snapshot_is_not_copied_byte_by_byte_unless_that_was_planned(world: SnapshotScene) -> None:
    order = SnapshotOrder(BEFORE, SnapshotKind.SCHEDULED)
    plan = CopyPlan({"data": (CopyMethod.SUBVOLUME, CopyMethod.COPY)})
    with pytest.raises(NodeError):
        await world.take_by(order, plan)
    assert not world.folder.snapshot(BEFORE).path.exists()
    await world.take_by(order, CopyPlan({"data": (CopyMethod.COPY,)}))


async def test_retention_keeps_the_last_of_before_an_update(world: SnapshotScene) -> None:
    for name in (BEFORE, AFTER, THIRD):
        await world.take(name)
    await world.store.thin_out("app")
    assert set(await world.store.list("app")) == {THIRD}


async def test_what_the_disk_refuses_to_delete_is_reported_to_the_owner(world: SnapshotScene) -> None:
    await world.take()
    about = world.folder.snapshot(BEFORE).about
    about.unlink()
    about.mkdir()
    with pytest.raises(NodeError, match=r"about\.json"):
        await world.store.delete("app", BEFORE)
