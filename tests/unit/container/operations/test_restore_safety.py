"""What a restore must not do: replace a proof of money, mix what does not fit, or get stuck half-way."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import pytest_asyncio

from archipelago.api.health import HealthState
from archipelago.container.namespace.found import Survey
from archipelago.container.operations.jobs.snapshot import SnapshotJob
from archipelago.container.operations.snapshots import Snapshots
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.snapshots import SnapshotKind
from support.app_with_data import CHANNELS, MORE, data, done, node_with_data, version, write
from support.jobs_bench import Bench, bench
from support.trees import tree


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    async with node_with_data(tmp_path) as made:
        yield made


@pytest.fixture
def snapshots(node: Bench) -> Snapshots:
    return Snapshots(node.parts, node.runner, node.operations)


async def test_what_a_version_that_failed_called_proof_of_money_is_never_put_back(
    node: Bench, snapshots: Snapshots
) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    node.apps.broken.add("2.0")
    node.apps.on_run = lambda app, version: write(node, f"proof of {version}")
    node.offer("app", MORE.replace("data: files", "data: append-proof, funds: true"), version="2.0")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "are back" in ended.error.message and await version(node) == "1.0"
    node.apps.on_run = lambda app, version: None
    write(node, "newest proof")
    remarks = (await snapshots.restore_preview("app", taken.name)).remarks
    assert any("data of app stays as it is now" in each for each in remarks)
    await done(node, await snapshots.restore("app", taken.name))
    assert (data(node) / "state").read_text() == "newest proof"


@pytest.mark.parametrize(("then", "now"), [(1, 2), (2, 1), (2, 2)])
async def test_what_an_app_reaches_with_its_settings_of_then_is_said_where_that_is_more(
    tmp_path: Path, then: int, now: int
) -> None:
    async with bench(tmp_path) as node:
        snapshots = Snapshots(node.parts, node.runner, node.operations)
        node.offer("app", f"{MORE}egress: direct\nvariants: [{{when: {{n: 2}}, egress: none}}]")
        await node.installed("app", n=then)
        data(node).mkdir(parents=True)
        write(node, "then")
        await done(node, await snapshots.take("app"))
        await done(node, await node.orchestrator.configure("app", {"n": now}, ()))
        (taken,) = await snapshots.list("app")
        remarks = (await snapshots.restore_preview("app", taken.name)).remarks
        opens = "the settings of app of then come back, with which it reaches the internet, which learns"
        assert any(opens in each for each in remarks) is (then < now)


async def test_a_version_does_not_make_restorable_what_an_earlier_one_never_restored(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        snapshots = Snapshots(node.parts, node.runner, node.operations)
        node.offer("app", CHANNELS)
        await node.installed("app")
        for name in ("data", "channels"):
            (node.folder / "apps" / "app" / "volumes" / name).mkdir(parents=True)
        node.offer("app", CHANNELS.replace("{data: never-restore, funds: true, exclusive: true}", "{data: files}"), "2")
        await done(node, await node.orchestrator.update("app"))
        assert (await snapshots.preview("app")).left_out == ("channels",)
        await done(node, await snapshots.take("app"))
        (taken,) = await snapshots.list("app")
        with pytest.raises(NodeError, match="loses money"):
            await snapshots.restore("app", taken.name)
        node.offer("app", MORE, "3")
        assert any(
            "no older state of channels" in each for each in (await node.orchestrator.plan("app", {}, {})).warnings
        )
        await done(node, await node.orchestrator.update("app"))
        assert [each.kind for each in await snapshots.list("app")] == [SnapshotKind.MANUAL], "there is no way back"


async def test_a_volume_that_became_a_disk_is_found_before_the_app_stops(node: Bench, snapshots: Snapshots) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    node.namespace.mounted.add(str(data(node)))
    node.apps.done.clear()
    for attempt in (snapshots.restore_preview, snapshots.restore):
        with pytest.raises(NodeError, match="a disk is mounted at"):
            await attempt("app", taken.name)
    assert node.apps.done == []


async def test_a_volume_that_becomes_a_disk_in_the_middle_changes_nothing(node: Bench, snapshots: Snapshots) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    write(node, "second")
    before = tree(node.folder / "apps" / "app" / "volumes")
    node.namespace.before = lambda: node.namespace.mounted.add(str(data(node)))  # while the snapshot is copied
    ended = await node.ended(await snapshots.restore("app", taken.name))
    assert ended.error is not None and "a disk is mounted at" in ended.error.message
    assert tree(node.folder / "apps" / "app" / "volumes") == before and await snapshots.list("app") == (taken,)
    assert node.apps.suspended == frozenset() and node.apps.desired.wanted("app"), "it runs on"


async def test_an_update_that_cannot_go_back_for_a_disk_stays_stopped_until_that_is_gone(
    node: Bench, snapshots: Snapshots
) -> None:
    def start(_: str, version: str) -> None:
        if version == "2.0":
            write(node, "of 2.0")
            node.namespace.mounted.add(str(data(node)))

    first = tree(data(node))
    node.apps.broken.add("2.0")
    node.apps.on_run = start
    node.offer("app", MORE, version="2.0")
    ended = await node.ended(await node.orchestrator.update("app"))
    assert ended.error is not None and "stay stopped: the volume 'data' of app cannot be moved" in ended.error.message
    assert (data(node) / "state").read_text() == "of 2.0" and not node.apps.desired.wanted("app")
    assert [each.kind for each in await snapshots.list("app")] == [SnapshotKind.BEFORE_UPDATE]
    node.namespace.mounted.clear()
    await done(node, await snapshots.undo("app"))
    assert tree(data(node)) == first and await version(node) == "1.0"


async def test_volumes_that_stay_beside_older_ones_are_said_and_agreed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as node:
        snapshots = Snapshots(node.parts, node.runner, node.operations)
        node.offer("app", CHANNELS.replace("{data: never-restore, funds: true, exclusive: true}", "{data: files}"))
        await node.installed("app")
        folder = tmp_path / "apps" / "app" / "volumes"
        for name in ("data", "channels"):
            (folder / name).mkdir(parents=True)
            (folder / name / "state").write_text("old")
        survey = node.namespace.survey

        async def disk(path: str) -> Survey:
            return replace(await survey(path), mounted=path.endswith("channels"))

        monkeypatch.setattr(node.namespace, "survey", disk)
        await done(node, await snapshots.take("app"))
        (taken,) = await snapshots.list("app")
        for name in ("data", "channels"):
            (folder / name / "state").write_text("new")
        preview = await snapshots.restore_preview("app", taken.name)
        assert preview.stays == ("channels",) and any("channels is not in this" in each for each in preview.remarks)
        for agreed in ((), ("data",)):
            with pytest.raises(NodeError, match="would stay beside older data"):
                await snapshots.restore("app", taken.name, agreed)
        await done(node, await snapshots.restore("app", taken.name, preview.stays))
        assert [(folder / name / "state").read_text() for name in ("data", "channels")] == ["old", "new"]
        assert (await snapshots.restore_preview("app", (await snapshots.list("app"))[0].name)).stays == ("channels",)


async def test_an_app_that_cannot_be_stopped_runs_on_as_it_was(node: Bench, snapshots: Snapshots) -> None:
    node.parts = replace(node.parts, way_back=replace(node.parts.way_back, stop_margin=-30))  # its manifest grants 30 s
    node.apps.stuck["app"] = HealthState.STOPPING
    before = tree(node.folder / "apps" / "app" / "volumes")
    tracker = cast(Tracker, SimpleNamespace(steps=nothing, begin=nothing, finish=nothing))
    job = SnapshotJob.requested((await node.state.load_apps())["app"])
    with pytest.raises(NodeError, match="app cannot be stopped") as refused:
        await job.run(node.parts, tracker)
    assert refused.value.code is ErrorCode.TIMEOUT
    assert tree(node.folder / "apps" / "app" / "volumes") == before
    assert node.apps.suspended == frozenset() and await snapshots.list("app") == ()


async def nothing(*_: object) -> None:
    pass


async def test_a_snapshot_that_came_back_is_counted_anew(node: Bench, snapshots: Snapshots) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    (data(node) / "large").write_bytes(bytes(1 << 20))
    await done(node, await snapshots.restore("app", taken.name))
    (before, _) = await snapshots.list("app")
    assert before.size >= 1 << 20
    use = await node.parts.way_back.store.use("app", 5)
    assert use.size.complete and use.size.bytes == sum(each.size for each in await snapshots.list("app"))
    assert use.may_share is await node.namespace.can_clone(str(node.folder))
    await done(node, await snapshots.restore("app", before.name))
    assert (await snapshots.list("app"))[0].size < 1 << 20
    assert (await node.parts.way_back.store.use("other", 5)).size.bytes == 0


async def test_many_snapshots_are_warned_of(node: Bench, snapshots: Snapshots) -> None:
    await done(node, await snapshots.take("app"))
    (taken,) = await snapshots.list("app")
    folder = node.folder / "apps" / "app" / "snapshots"
    for year in range(2001, 2009):
        shutil.copytree(folder / taken.name, folder / f"{year}{taken.name[4:]}")
    assert not any("that stay until" in each for each in (await snapshots.preview("app")).remarks)
    await done(node, await snapshots.restore("app", taken.name))  # what was there before stays as well
    remark = (await snapshots.preview("app")).remarks[-1]
    assert (await snapshots.restore_preview("app", taken.name)).remarks[-1] == remark
    assert remark.startswith("there are 10 snapshots of app, up to ")
