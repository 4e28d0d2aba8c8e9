"""An app that needs a newer version of an installed one comes with its update, which is made first and by itself."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.api.operations import Operation
from archipelago.container.dependency_resolver.plan import Action, Plan
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationState
from archipelago.storage.records.snapshots import SnapshotKind
from support.examples import steps
from support.jobs_bench import WITH_DATA, Bench, bench
from support.jobs_crashes import Crashes
from support.own_namespace import Crash

MANY = 60
"""More than such an installation has steps at which it can be cut off."""


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    """A node with base 1.0, of which the catalog has 2.0, and an app in the catalog that needs that."""
    async with bench(tmp_path) as made:
        offer_base(made, "1.0")
        await made.installed("base")
        folder = made.folder / "apps" / "base" / "volumes" / "data"
        folder.mkdir(parents=True)
        (folder / "state").write_text("of 1.0")
        offer_base(made, "2.0")
        made.offer("user", "requires: {i: {version: '>=2'}}")
        yield made


def offer_base(node: Bench, version: str, more: str = "") -> None:
    node.offer("base", f"{WITH_DATA}provides: {{i: {{container: main, port: 80}}}}\n{more}", version=version)


async def versions(node: Bench) -> dict[str, str]:
    return {app: each.package.manifest.version for app, each in (await node.state.load_apps()).items()}


async def plan_of(node: Bench, app: str = "user") -> Plan:
    return await node.orchestrator.plan(app, {}, {})


async def begun(node: Bench, app: str = "user") -> Operation:
    plan = await plan_of(node, app)
    return await node.orchestrator.install(app, {}, {}, start=True, agreed=plan.digest)


async def copies(node: Bench, app: str = "base") -> list[SnapshotKind]:
    return [each.kind for each in (await node.parts.way_back.store.list(app)).values()]


async def kinds(node: Bench) -> list[tuple[str, str]]:
    """Return which operations there were, the oldest first."""
    return [(each.kind, each.app) for each in reversed(await node.operations.newest(None, 10))]


async def test_the_plan_says_what_is_updated_first_and_what_that_means(node: Bench) -> None:
    offer_base(node, "2.0", 'reversible: "no"\nrelease_notes: It is new.')
    plan = await plan_of(node)
    assert {each.app: each.action for each in plan.apps} == {"base": Action.UPDATE, "user": Action.INSTALL}
    base = plan.planned("base")
    assert base is not None and base.way_back == "no" and base.release_notes == "It is new."
    assert any("does not go together with the others" in each for each in base.because)
    assert not any("you asked" in each for each in base.because)
    assert "base is updated first; if that fails, nothing is installed" in plan.warnings


async def test_the_update_is_an_operation_of_its_own_and_the_installation_comes_after_it(node: Bench) -> None:
    ended = await node.ended(await begun(node))
    assert ended.state is OperationState.DONE, ended.error
    assert await versions(node) == {"base": "2.0", "user": "1.0"}
    assert await copies(node) == [SnapshotKind.BEFORE_UPDATE], "there is a way back, as from any update"
    assert await kinds(node) == [("install", "base"), ("install", "user"), ("update", "base")]
    assert ended.steps[0].name == "update base"
    assert all(each.state is OperationState.DONE for each in ended.steps)
    assert (await node.state.load_apps())["user"].choices == {"i": "base"}


async def test_an_update_that_does_not_work_goes_back_and_nothing_is_installed(node: Bench) -> None:
    node.apps.broken.add("2.0")
    ended = await node.ended(await begun(node))
    assert ended.state is OperationState.FAILED and ended.error is not None
    assert ended.error.message.startswith("base was not updated, so user was not installed: ")
    assert "are back" in ended.error.message
    assert await versions(node) == {"base": "1.0"} and await copies(node) == [SnapshotKind.REJECTED]
    assert not await node.state.has_slot("user")
    node.apps.broken.clear()
    assert (await node.ended(await begun(node))).state is OperationState.DONE


async def test_nobody_who_has_not_seen_the_plan_gets_an_update_by_an_installation(node: Bench) -> None:
    with pytest.raises(NodeError, match="user needs a newer version of base, to whose update you have not agreed") as e:
        await node.orchestrator.install("user", {}, {}, start=True)
    assert "archipelago install user" in e.value.hint
    plan = await plan_of(node)
    offer_base(node, "2.1")
    with pytest.raises(NodeError, match="the plan is another one by now"):
        await node.orchestrator.install("user", {}, {}, start=True, agreed=plan.digest)
    assert await versions(node) == {"base": "1.0"}


async def test_another_version_that_comes_meanwhile_is_not_installed(node: Bench) -> None:
    """Between the request and the update, the catalog changes."""
    node.images.gate.clear()
    first = await node.orchestrator.install("user", {}, {}, start=True, agreed=(await plan_of(node)).digest)
    await node.written.until(lambda: len(node.operations._running) == 2)
    offer_base(node, "2.1")
    node.images.gate.set()
    ended = await node.ended(first)
    assert ended.error is not None and ended.error.code == ErrorCode.BUSY
    assert await versions(node) == {"base": "1.0"}


async def test_a_cancel_while_the_update_is_made_leaves_both_as_they_were(node: Bench) -> None:
    node.images.gate.clear()
    operation = await begun(node)
    await node.written.until(lambda: len(node.operations._running) == 2)
    ended = await node.operations.cancel(operation.id)
    assert ended.state is OperationState.CANCELLED and not node.operations._running
    assert await versions(node) == {"base": "1.0"} and await copies(node) == []


async def test_an_app_that_is_bound_to_the_old_version_keeps_it(node: Bench) -> None:
    node.offer("old", "requires: {i: {version: '<2'}}")
    offer_base(node, "1.0")
    await node.installed("old")
    offer_base(node, "2.0")
    expected = (
        r"user needs i >=2, but base provides 1\.0; "
        r"an update of base does not help: old needs i <2, but base provides 2\.0"
    )
    with pytest.raises(NodeError, match=expected):
        await plan_of(node)


async def test_apps_whose_versions_bind_each_other_are_updated_together_before(node: Bench) -> None:
    offer_base(node, "1.0")
    node.offer("old", "requires: {i: {version: '<2'}}")
    await node.installed("old")
    offer_base(node, "2.0")
    node.offer("old", "requires: {i: {version: '>=2'}}", version="1.1")
    ended = await node.ended(await begun(node))
    assert ended.state is OperationState.DONE, ended.error
    assert await versions(node) == {"base": "2.0", "old": "1.1", "user": "1.0"}
    assert (await kinds(node))[-1] == ("update", "base"), "one update of both"


async def test_an_option_that_needs_a_newer_version_says_how_to_get_it(node: Bench) -> None:
    option = "{n: {type: int, label: N, default: 1}, deep: {type: bool, label: Deep, default: false}}"
    variant = "[{when: {deep: true}, egress: none, requires: {i: {version: '>=2'}}}]"
    node.offer("diver", f"variants: {variant}")
    manifest = node.folder / "catalog" / "diver" / "manifest.yml"
    manifest.write_text(manifest.read_text().replace("{n: {type: int, label: N, default: 1}}", option))
    await node.installed("diver")
    with pytest.raises(NodeError, match=r"diver needs i >=2, but base provides 1\.0") as refused:
        await node.orchestrator.configure("diver", {"deep": True}, ())
    assert refused.value.hint == "Update base first, to 2.0: 'archipelago update base', or Update on its page"


async def test_an_older_version_in_the_catalog_is_no_help(node: Bench) -> None:
    offer_base(node, "0.9")
    node.offer("user", "requires: {i: {version: '<1'}}")
    with pytest.raises(NodeError, match=r"user needs i <1, but base provides 1\.0"):
        await plan_of(node)


async def test_an_update_that_another_operation_holds_up_is_waited_for(node: Bench) -> None:
    plan = await plan_of(node)
    node.images.gate.clear()
    other = await node.orchestrator.update("base")
    operation = await node.orchestrator.install("user", {}, {}, start=True, agreed=plan.digest)
    await node.written.until(lambda: "waits for another operation on base" in said(node, operation.id))
    node.images.gate.set()
    assert (await node.ended(other)).state is OperationState.DONE
    assert (await node.ended(operation)).state is OperationState.DONE
    assert await versions(node) == {"base": "2.0", "user": "1.0"}


def said(node: Bench, operation: str) -> list[str]:
    tracker, _, _ = node.operations._running[operation]
    return [each.detail for each in tracker.record.steps]


@dataclass
class Kills(Crashes):
    """Ends both operations before a step of either."""

    dead: bool = False

    def _step(self) -> None:
        self.left -= 1
        self.dead = self.dead or self.left == 0
        if self.dead:
            raise Crash

    async def ended(self) -> bool:
        """Return whether operations were cut off, once all are over."""
        while running := list(self.node.operations._running.values()):
            for _, task, _ in running:
                with contextlib.suppress(Crash):
                    await task
        return self.dead


@pytest.mark.parametrize("works", [True, False])
async def test_a_kill_at_any_step_is_gone_on_from(node: Bench, works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not works:
        node.apps.broken.add("2.0")
    before = (await node.state.load_apps())["base"]
    kills = Kills(node)
    kills.count(monkeypatch)
    for kill_before in steps(2, MANY):
        kills.left = kill_before
        operation = await begun(node)
        if not await kills.ended():
            assert kill_before > 15, "the steps are counted"
            return
        kills.dead = False
        await kills.start_again()
        ended = await node.ended(await node.operations.get(operation.id))
        assert node.apps.suspended == frozenset() and not node.operations._running
        if works:
            assert ended.state is OperationState.DONE, (kill_before, ended.error)
            assert await versions(node) == {"base": "2.0", "user": "1.0"}, kill_before
        else:
            assert ended.state is OperationState.FAILED and await versions(node) == {"base": "1.0"}, kill_before
        await reset(node, before)
    pytest.fail("it has more steps than that")


async def reset(node: Bench, before: AppRecord) -> None:
    """Go back to what was installed before, for the next round."""
    await node.state.save((before,), remove=("user",), message="back", app="base")
    await node.state.release_slot("user")
    await node.parts.changes.apply()
    for each in await node.parts.way_back.store.list("base"):
        await node.parts.way_back.store.delete("base", each)
