"""Rows of operations: what each version of the node has stored is resumed by this one."""

from typing import Any

import pytest

from archipelago.api.health import HealthState
from archipelago.api.operations import OperationKind
from archipelago.container.operations.registry import find_kinds
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import REQUIRES, Bench

LATER = {"version": 99, "a_field_of_a_later_version": {"x": [1]}}


def test_the_kinds_are_those_that_are_published() -> None:
    assert find_kinds().keys() == {kind.value for kind in OperationKind}
    assert all(kind == each.kind for kind, each in find_kinds().items())


@pytest.mark.parametrize("more", [{}, {"apps": ["base", "user"]}, {"apps": ["base", "user"], "packages": True}, LATER])
async def test_an_installation_is_resumed_from_each_shape(node: Bench, more: dict[str, Any]) -> None:
    arguments = {"options": {"n": 7}, "choices": {}, "start": False, **more}
    if more in ({"apps": ["base", "user"], "packages": True}, LATER):
        proposal = await node.parts.planner.plan("user", {"n": 7}, {})
        arguments["packages"] = proposal.digests
    ended = await node.resumed("install", "user", arguments)
    assert ended.state is OperationState.DONE, ended.error
    assert [step.name for step in ended.steps] == [
        "image of base", "image of user", "write the plan down", "start base"
    ]  # fmt: skip
    records = await node.state.load_apps()
    assert records["user"].options == {"n": 7} and records["user"].desired is Desired.STOPPED
    assert records["user"].choices == {"i": "base"} and records["base"].desired is Desired.RUNNING


async def test_an_installation_of_another_plan_than_the_row_says_is_refused(node: Bench) -> None:
    arguments = {"options": {}, "choices": {}, "start": True, "packages": {"base": "1f", "user": "2e"}}
    for version in ({}, {"version": 1}):
        ended = await node.resumed("install", "user", {**arguments, **version})
        assert ended.error is not None and ended.error.code == ErrorCode.BUSY
    proposal = await node.parts.planner.plan("user", {}, {})
    arguments |= {"packages": proposal.digests, "plan": "another"}
    for version in ({}, {"version": 1}):
        ended = await node.resumed("install", "user", {**arguments, **version})
        assert ended.error is not None and "another one by now" in ended.error.message
    assert not await node.state.load_apps()


SHAPES: dict[str, list[dict[str, Any]]] = {
    "start": [
        {},
        {"stopped": ["user"]},
        {"stopped": ["user"], "apps": ["base", "user"]},
        {"stopped": [], "apps": [], **LATER},
    ],
    "stop": [
        {},
        {"desired": "running"},
        {"desired": "running", "apps": []},
        {"desired": "running", "apps": ["user"], **LATER},
    ],
    "restart": [{}, {"apps": []}, LATER],
    "remove": [
        {"delete_data": False},
        {"delete_data": True, "keepsake": {"kept": "", "volumes": [], "version": ""}},
        {"delete_data": True, "keepsake": {"kept": "", "volumes": [], "version": ""}, "apps": ["user"], **LATER},
    ],
    "update": [{}, {"packages": {}, "apps": []}, {"packages": {}, "plan": "", "apps": []}],
    "configure": [
        {"options": {"n": 2}, "reset": []},
        {"options": {"n": 2}, "reset": [], "before": {}},
        {"options": {"n": 2}, "reset": [], "before": {}, "worked": ["user"], "apps": ["user"]},
        {"options": {"n": 2}, "reset": [], "before": {}, **LATER},
    ],
    "secrets": [{"names": ["key"], "given": False}, {"names": ["key"], "given": False, "apps": ["base"], **LATER}],
    "repair": [{"repair": "fix", "apps": []}, {"repair": "fix", **LATER}],
}
DONE_BY_THE_RECONCILER = {"restart": "restart user", "repair": "repair base fix"}


@pytest.mark.parametrize("kind", SHAPES)
async def test_each_kind_is_resumed_from_each_shape(node: Bench, kind: str) -> None:
    app = "base" if kind == "repair" else "user"
    for arguments in SHAPES[kind]:
        if "user" not in await node.state.load_apps():
            await node.installed("user")
        node.apps.done.clear()
        ended = await node.resumed(kind, app, arguments)
        assert ended.state is OperationState.DONE, (arguments, ended.error)
        records = await node.state.load_apps()
        assert records.keys() == ({"base"} if kind == "remove" else {"base", "user"})
        if kind == "configure":
            assert records["user"].options == {"n": 2}
        if kind in DONE_BY_THE_RECONCILER:
            assert DONE_BY_THE_RECONCILER[kind] in node.apps.done
        if "user" in records:
            assert records["user"].desired is (Desired.STOPPED if kind == "stop" else Desired.RUNNING)


@pytest.mark.parametrize("more", [{}, {"packages": True}, {"packages": True, "plan": True}])
async def test_an_update_is_resumed_from_each_shape(node: Bench, more: dict[str, bool]) -> None:
    await node.installed("user")
    node.offer("user", REQUIRES, version="2.0")
    proposal = await node.parts.planner.plan_update("user")
    kept = {"packages": proposal.digests, "plan": proposal.plan.digest}
    ended = await node.resumed("update", "user", {name: kept[name] for name in more})
    assert ended.state is OperationState.DONE, ended.error
    assert [step.name for step in ended.steps] == ["image of user", "write the plan down", "start user"]
    assert (await node.state.load_apps())["user"].package.manifest.version == "2.0"


async def test_an_update_that_was_kept_before_a_crash_is_done_whatever_the_catalog_says_by_now(node: Bench) -> None:
    await node.installed("user")
    node.offer("user", REQUIRES, version="2.0")
    updated = await node.ended(await node.orchestrator.update("user"))
    row = await node.row(updated.id)
    node.offer("user", REQUIRES, version="3.0")
    ended = await node.resumed("update", "user", row)
    assert ended.state is OperationState.DONE, ended.error
    assert (await node.state.load_apps())["user"].package.manifest.version == "2.0"


@pytest.mark.parametrize("ticket", [{}, {"ticket": "0123456789abcdef"}])
async def test_a_secret_of_the_owners_that_a_crash_lost_must_be_set_again(node: Bench, ticket: dict[str, str]) -> None:
    await node.installed("base")
    ended = await node.resumed("secrets", "base", {"names": ["key"], "given": True, **ticket})
    assert ended.error is not None and ended.error.hint == "set the secret again"


@pytest.mark.parametrize(
    ("kind", "app", "arguments"),
    [
        ("install", "user", {"options": {}}),
        ("repair", "base", {"repair": ["no name"]}),
        ("configure", "user", {"options": 7, "reset": "x"}),
    ],
)
async def test_a_row_that_this_version_cannot_read_fails_alone_and_says_so(
    node: Bench, kind: str, app: str, arguments: dict[str, Any]
) -> None:
    ended = await node.resumed(kind, app, arguments)
    assert ended.state is OperationState.FAILED and ended.kind == kind
    assert ended.error is not None and ended.error.hint and "user" not in await node.state.load_apps()
    await node.installed("user")
    assert [each.kind for each in await node.operations.newest(None, 9)] == ["install", kind]


async def test_a_kind_that_only_a_later_version_knows_is_left_to_that_version(node: Bench) -> None:
    operation = await node.crashed("teleport", "user", {"where": "moon"})
    await node.runner.resume()
    await node.installed("user")
    assert (await node.state.operation(operation)).state is OperationState.RUNNING


async def test_what_is_stored_is_read_back_as_it_was(node: Bench) -> None:
    kinds = find_kinds()
    orchestrator = node.orchestrator
    await node.installed("user", n=3)
    node.offer("user", REQUIRES, version="2.0")
    for begun in (
        orchestrator.stop("base"),
        orchestrator.start("user"),
        orchestrator.restart("user"),
        orchestrator.configure("user", {"n": 4}, ()),
        orchestrator.rotate_secrets("user", None),
        orchestrator.set_secret("user", "key", "value"),
        orchestrator.repair("base", "fix"),
        orchestrator.update("user"),
        orchestrator.remove("user", delete_data=True),
    ):
        operation = await node.ended(await begun)
        assert operation.state is OperationState.DONE, operation
        row = await node.row(operation.id)
        job = kinds[operation.kind].load(operation.app, row)
        assert job.arguments == row and row["version"] == 1
        assert operation.app in job.touches
        assert "value" not in str(row)


async def test_what_a_job_touches_is_locked_after_a_crash_too(node: Bench) -> None:
    await node.installed("user")
    node.apps.stuck["user"] = HealthState.STARTING
    await node.crashed("start", "user", {"stopped": [], "apps": ["base", "user"]})
    await node.runner.resume()
    with pytest.raises(NodeError, match="start of user is still working on base"):
        await node.orchestrator.stop("base")
