"""What a version of an app has said of its volumes counts as long as there is data, whatever later versions say."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from archipelago.container.data.data_classes import restorable_volumes
from archipelago.container.data.kept import NOTHING_KEPT, Keepsake, KeptStore, keepsake_of
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.data.snapshots.store import SnapshotStore
from archipelago.container.data.volumes import AppData
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.operations.changes.turn import differs
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.layout import AppFolder, Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.snapshots import SnapshotKind, record_from_json, record_to_json
from archipelago.storage.records.volumes import StrictestClass
from archipelago.storage.stores.own_limits import OwnLimitStore
from archipelago.storage.stores.state import State
from archipelago.storage.stores.volume_marks import VolumeMarks
from support.app_records import record
from support.databases import new_database
from support.own_namespace import OwnNamespace

KEYS = """    mounts: [{volume: keys, path: /a}, {volume: notes, path: /b}]
volumes: {keys: {data: append-proof, funds: true}, notes: {data: files}}
"""
WEAKER = """    mounts: [{volume: keys, path: /a}, {volume: notes, path: /b}]
volumes: {keys: {data: files}, notes: {data: rebuildable}}
"""
DROPPED = """    mounts: [{volume: notes, path: /b}]
volumes: {notes: {data: files}}
"""


@dataclass
class World:
    """A node that has had an app with keys to money, in one version after the other."""

    folder: AppFolder
    state: State
    marks: VolumeMarks
    kept: KeptStore
    data: AppData
    snapshots: SnapshotStore
    catalog: Path

    async def install(self, version: str, more: str) -> AppRecord:
        """Install a version, in the place of the one before; return what is stored then."""
        offered = record(self.catalog / version, "app", 0, version, more)
        known = (await self.state.load_apps()).get("app", offered)
        await self.state.take_slot("app")
        await self.state.save((replace(known, package=offered.package),), message=version)
        return (await self.state.load_apps())["app"]

    async def removed(self, keepsake: Keepsake) -> dict[str, str]:
        """Take the app out with its data; return what is kept."""
        await self.state.save((), remove=("app",), message="out")
        await self.data.delete("app", keepsake)
        kept = [self.folder.kept_at(each.kept) for each in await self.kept.list()]
        return {path.parent.name: path.read_text() for place in kept for path in place.volumes.glob("*/state")}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    layout = Layout(tmp_path, tmp_path / "run")
    folder = layout.app("app")
    for name in ("keys", "notes"):
        folder.volume(name).mkdir(parents=True)
        (folder.volume(name) / "state").write_text(name)
    database = await new_database(tmp_path / "state.db")
    state, marks, namespace = State(database, lambda _: None), VolumeMarks(database), cast(Any, OwnNamespace())
    await state.open()
    kept, limits = KeptStore(layout, namespace), OwnLimitStore(database)
    secrets = SecretsManager(layout.apps, tmp_path / "node.key")
    yield World(
        folder,
        state,
        marks,
        kept,
        AppData(layout, namespace, secrets, state, marks, kept, limits),
        SnapshotStore(layout, namespace, marks),
        tmp_path / "catalog",
    )
    await database.close()


@pytest.mark.parametrize("after", [KEYS, WEAKER, DROPPED])
async def test_a_removal_keeps_what_any_version_called_keys_to_money(world: World, after: str) -> None:
    await world.install("1", KEYS)
    now = await world.install("2", after)
    assert [each.name for each in await world.data.volumes(now) if each.funds] == ["keys"]
    assert await world.removed(keepsake_of(now.package.manifest)) == {"keys": "keys"}
    assert await world.state.has_slot("app"), "its ids stay taken as long as something is kept"


async def test_a_removal_that_an_earlier_version_of_the_node_started_keeps_it_as_well(world: World) -> None:
    await world.install("1", KEYS)
    assert await world.removed(NOTHING_KEPT) == {"keys": "keys"}


async def test_what_was_said_outlives_a_removal_and_goes_with_the_data(world: World) -> None:
    await world.install("1", KEYS)
    await world.state.save((), remove=("app",), message="out")
    said = {"keys": StrictestClass(DataClass.APPEND_PROOF, True), "notes": StrictestClass(DataClass.FILES, False)}
    assert await world.data.strictest("app") == said
    assert (await world.install("2", WEAKER)).strictest == said
    assert await world.removed(NOTHING_KEPT) == {"keys": "keys"}
    (kept,) = await world.kept.list()
    await world.kept.restore("app", kept.kept)
    assert await world.data.strictest("app") == said, "it came back"
    await world.removed(NOTHING_KEPT)
    for each in await world.kept.list():
        await world.kept.delete("app", each.kept)
    await world.data.forget_if_nothing_is_left("app")
    assert await world.data.strictest("app") == {} and not await world.state.has_slot("app")


async def test_an_app_of_an_earlier_version_of_the_node_is_remembered_before_it_is_updated(world: World) -> None:
    await world.install("1", KEYS)
    await world.state.release_slot("app")  # as if nobody had remembered
    await world.state.take_slot("app")
    await world.state.open()
    now = await world.install("2", WEAKER)
    assert now.strictest["keys"] == StrictestClass(DataClass.APPEND_PROOF, True)


async def test_keys_on_a_disk_that_is_gone_are_missed_though_the_manifest_says_no_more_of_them(world: World) -> None:
    await world.install("1", KEYS)
    now = await world.install("2", WEAKER)
    look = await world.snapshots._namespace.look(str(world.folder.volume("keys")), 1, 1, 1)
    assert look is not None
    await world.marks.keep("app", {"keys": look.mark})
    await world.data.refuse_unkeepable(now)
    world.folder.volume("keys").rename(world.folder.path / "elsewhere")
    with pytest.raises(NodeError, match="is not there"):
        await world.data.refuse_unkeepable(now)


async def test_snapshots_with_keys_by_the_word_of_a_later_version_are_kept(world: World) -> None:
    now = await world.install("1", WEAKER)
    names = [f"2026-11-29T10-00-0{second}.000Z" for second in range(4)]
    for name in names:
        order = SnapshotOrder(name, SnapshotKind.REJECTED)
        await world.snapshots.lay_out(now, name)
        await world.snapshots.take(now, order, await world.snapshots.plan("app", ()))
        place = world.folder.snapshot(name)
        about = (await world.snapshots.about("app", name)).model_copy(update={"volumes": {"keys": ""}})
        place.about.write_text(about.model_dump_json())
    await world.install("2", KEYS)
    await world.snapshots.thin_out("app")
    assert list(await world.snapshots.list("app")) == names
    about = world.folder.snapshot(names[0]).about
    about.unlink()
    about.mkdir()  # what cannot be read may be the only copy
    world.folder.snapshot(names[1]).about.write_text("")
    newer = world.folder.snapshot(names[2]).about
    newer.write_text(newer.read_text().replace(SnapshotKind.REJECTED, "of a newer version"))
    await world.removed(NOTHING_KEPT)
    assert [each.kept for each in await world.kept.list()][:4] == names


async def bare(tmp_path: Path, text: str, known: AppRecord) -> AppRecord:
    """Return what a bare node stores of an app that it installs from a backup."""
    database = await new_database(tmp_path / "bare.db")
    state = State(database, lambda _: None)
    await state.open()
    await state.take_slot("app")
    await state.save((record_from_json(text, known),), message="installed from a backup")
    stored = (await state.load_apps())["app"]
    await database.close()
    return stored


async def test_a_bare_machine_gets_it_back_with_the_backup(world: World, tmp_path: Path) -> None:
    await world.install("1.0", KEYS)
    weak = await world.install("2.0", WEAKER)
    stub = record(tmp_path / "stub", "app", 0, "2.0", WEAKER)
    back = await bare(tmp_path, record_to_json(weak), stub)
    assert back.strictest == weak.strictest
    assert back.strictest["keys"] == StrictestClass(DataClass.APPEND_PROOF, funds=True)
    assert [each.name for each in restorable_volumes(back)] == ["notes"]


async def test_the_stricter_of_backup_and_node_wins(world: World, tmp_path: Path) -> None:
    weak = record_to_json(await world.install("1.0", DROPPED))
    known = {"notes": StrictestClass(DataClass.NEVER_RESTORE, funds=True)}
    stub = replace(record(tmp_path / "stub", "app", 0, "2.0", DROPPED), strictest=known)
    assert (await bare(tmp_path, weak, stub)).strictest == known


async def test_a_restore_over_the_app_remembers_it_though_nothing_else_differs(world: World) -> None:
    now = await world.install("1.0", WEAKER)
    then = replace(now, strictest={**now.strictest, "keys": StrictestClass(DataClass.APPEND_PROOF, funds=True)})
    back = record_from_json(record_to_json(then), now)
    assert back == now and differs(now, back)
    await world.state.save((back,), message="restored")
    assert (await world.state.load_apps())["app"].strictest == then.strictest


@pytest.mark.parametrize("found", ["[]", '{"keys": 1}', '{"keys": {"data": "files"}}'])
async def test_a_backup_in_which_it_is_damaged_is_refused(world: World, found: str) -> None:
    now = await world.install("1.0", KEYS)
    text = json.dumps({**json.loads(record_to_json(now)), "strictest": json.loads(found)})
    with pytest.raises(ValueError, match="damaged"):
        record_from_json(text, now)


async def test_a_backup_of_before_is_restored_and_a_class_of_a_later_version_is_the_strictest(world: World) -> None:
    now = await world.install("1.0", KEYS)
    written = json.loads(record_to_json(now))
    del written["strictest"]
    assert record_from_json(json.dumps(written), now).strictest == now.strictest
    written["strictest"] = {"notes": {"data": "burnt", "funds": False}}
    assert record_from_json(json.dumps(written), now).strictest["notes"].data is DataClass.NEVER_RESTORE
