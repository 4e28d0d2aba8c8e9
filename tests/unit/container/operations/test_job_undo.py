"""What a cancel and a failure bring back, also after a crash."""

import pytest

from archipelago.api.health import HealthState
from archipelago.storage.records.apps import Desired
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import REQUIRES, Bench


async def cancelled(node: Bench, operation: str, step: str) -> None:
    """Cancel an operation once it has come to a step."""

    def there() -> bool:
        steps = node.operations._running[operation][0].record.steps
        return any(each.name == step and each.state is OperationState.RUNNING for each in steps)

    await node.written.until(there)
    assert (await node.operations.cancel(operation)).state is OperationState.CANCELLED


async def test_an_installation_goes_with_the_data_that_it_made(node: Bench) -> None:
    node.data.there = {"base"}
    node.apps.stuck["user"] = HealthState.STARTING
    operation = await node.orchestrator.install("user", {}, {}, start=True)
    await cancelled(node, operation.id, "start user")
    assert not await node.state.load_apps() and node.data.deleted == ["user"]


async def test_of_an_installation_stays_what_another_app_came_to_use(node: Bench) -> None:
    node.offer("other", REQUIRES)
    node.apps.stuck["user"] = HealthState.STARTING
    operation = await node.orchestrator.install("user", {}, {}, start=True)
    await node.written.until(lambda: "base" in node.apps.desired.apps)
    # Only so that it goes on side by side: an operation locks what it installs.
    node.operations._running[operation.id] = (*node.operations._running[operation.id][:2], frozenset({"user"}))
    await node.installed("other")
    await cancelled(node, operation.id, "start user")
    assert (await node.state.load_apps()).keys() == {"base", "other"}
    assert node.data.deleted == ["user"]


async def test_apps_that_were_installed_in_one_plan_go_together(node: Bench) -> None:
    node.offer("other", REQUIRES)
    node.apps.stuck["other"] = HealthState.STARTING
    plan = await node.orchestrator.plan("user", {}, {}, ("other", "base"))
    assert {planned.app for planned in plan.apps} == {"base", "other", "user"}
    operation = await node.orchestrator.install("user", {}, {}, start=True, also=("other", "base"), agreed=plan.digest)
    assert set(operation.apps) == {"base", "other", "user"}
    await cancelled(node, operation.id, "start other")
    assert not await node.state.load_apps() and sorted(node.data.deleted) == ["base", "other", "user"]


async def test_of_apps_that_were_asked_for_the_installed_ones_stay_as_they_are(node: Bench) -> None:
    node.offer("other", REQUIRES)
    await node.installed("base")
    before = (await node.state.load_apps())["base"]
    node.apps.stuck["other"] = HealthState.STARTING
    operation = await node.orchestrator.install("user", {}, {}, start=True, also=("other", "base"))
    await cancelled(node, operation.id, "start other")
    assert await node.state.load_apps() == {"base": before}


@pytest.mark.parametrize("earlier", [False, True])
async def test_an_installation_that_a_crash_cut_off_can_still_be_cancelled(node: Bench, earlier: bool) -> None:
    done = await node.ended(await node.orchestrator.install("user", {}, {}, start=True))
    row = await node.row(done.id)
    if earlier:  # its row does not say what was there before, so nothing is taken away
        row = {key: row[key] for key in ("options", "choices", "start", "apps", "packages", "plan")}
    node.apps.stuck["user"] = HealthState.STARTING
    operation = await node.crashed("install", "user", row, ("start user",))
    await node.runner.resume()
    await cancelled(node, operation, "start user")
    assert (await node.state.load_apps()).keys() == ({"base", "user"} if earlier else set())
    assert sorted(node.data.deleted) == ([] if earlier else ["base", "user"])


async def test_a_start_a_stop_and_a_change_of_options(node: Bench) -> None:
    await node.installed("user")
    node.apps.stuck["user"] = HealthState.STOPPING
    await cancelled(node, (await node.orchestrator.stop("base")).id, "stop user")
    assert {each.desired for each in (await node.state.load_apps()).values()} == {Desired.RUNNING}

    node.apps.stuck["user"] = HealthState.STARTING
    await cancelled(node, (await node.orchestrator.configure("user", {"n": 5}, ())).id, "start user")
    assert (await node.state.load_apps())["user"].options == {}

    del node.apps.stuck["user"]
    for app in ("user", "base"):
        await node.ended(await node.orchestrator.stop(app))
    node.apps.stuck["user"] = HealthState.STARTING
    await cancelled(node, (await node.orchestrator.start("user")).id, "start user")
    assert {each.desired for each in (await node.state.load_apps()).values()} == {Desired.STOPPED}


@pytest.mark.parametrize("worked", [True, False])
async def test_options_that_fail_go_back_where_the_app_worked_before(node: Bench, worked: bool) -> None:
    await node.installed("user")
    if not worked:
        node.apps.stuck["user"] = HealthState.UNHEALTHY
    operation = await node.orchestrator.configure("user", {"n": 5}, ())
    node.apps.stuck["user"] = HealthState.UNHEALTHY
    ended = await node.ended(operation)
    assert ended.error is not None and ("former options are in force again" in ended.error.message) is worked
    assert (await node.state.load_apps())["user"].options == ({} if worked else {"n": 5})
