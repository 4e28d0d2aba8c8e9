"""A change of options that needs further apps brings them, and takes them back where it fails or is cancelled."""

from dataclasses import replace

import pytest

from archipelago.api.health import HealthState
from archipelago.container.dependency_resolver.plan import Action
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.workload.networks import own_network_name
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import PROVIDES, Bench

VARIANT = "egress: direct\nvariants: [{when: {n: 2}, egress: none, requires: {i: {default: base}}}]"


@pytest.fixture
async def shop(node: Bench) -> Bench:
    """A node with an app that needs another one where its option says so."""
    node.offer("base", PROVIDES)
    node.offer("shop", VARIANT)
    await node.installed("shop")
    return node


def is_internal(node: Bench, app: str) -> bool:
    """Return whether the own network of an app has no way out."""
    networks = node.apps.desired.apps[app].workload.networks
    return next(each.internal for each in networks if each.name == own_network_name(app))


async def test_the_preview_and_the_plan_name_what_comes_and_make_nothing_of_it(shop: Bench) -> None:
    preview = await shop.orchestrator.preview("shop", {"n": 2}, ())
    assert preview.installs == ("base",) and preview.restarts == ("shop",)
    plan = await shop.orchestrator.plan("shop", {"n": "2"}, {})
    assert {each.app: each.action for each in plan.apps} == {"base": Action.INSTALL, "shop": Action.RESTART}
    assert (await shop.orchestrator.preview("shop", {"n": 3}, ())).installs == ()
    assert (await shop.state.load_apps()).keys() == {"shop"} and not await shop.state.has_slot("base")
    assert not (shop.folder / "apps" / "base").exists(), "no secret of it was made"


async def test_the_option_installs_what_is_needed_and_closes_the_way_out(shop: Bench) -> None:
    assert not is_internal(shop, "shop")
    begun = await shop.orchestrator.configure("shop", {"n": 2}, (), agreed=("shop", "base"))
    assert set(begun.apps) == {"shop", "base"}, "nobody else works on it meanwhile"
    done = await shop.ended(begun)
    assert done.state is OperationState.DONE, done
    assert {step.name for step in done.steps} == {"image of base", "start base", "start shop"}
    records = await shop.state.load_apps()
    assert records["shop"].choices == {"i": "base"} and is_internal(shop, "shop")
    assert not shop.apps.desired.apps["shop"].workload.containers[0].reach.internet
    plan = await shop.orchestrator.plan("shop", {"n": "2"}, {})
    assert {each.action for each in plan.apps} == {Action.REUSE}
    with pytest.raises(NodeError, match="base is still needed by shop"):
        await shop.orchestrator.remove("base", delete_data=True)


async def test_set_back_the_app_needs_it_no_longer_and_it_may_go(shop: Bench) -> None:
    await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, ()))
    assert (await shop.orchestrator.preview("shop", {}, ("n",))).restarts == ("shop",)
    await shop.ended(await shop.orchestrator.configure("shop", {}, ("n",)))
    records = await shop.state.load_apps()
    assert records.keys() == {"base", "shop"} and records["shop"].choices == {}
    assert not is_internal(shop, "shop")
    assert (await shop.ended(await shop.orchestrator.remove("base", delete_data=True))).state is OperationState.DONE


async def test_what_the_owner_did_not_agree_to_is_not_installed(shop: Bench) -> None:
    with pytest.raises(NodeError, match="base would now be stopped, restarted or installed as well"):
        await shop.orchestrator.configure("shop", {"n": 2}, (), agreed=("shop",))
    assert (await shop.state.load_apps()).keys() == {"shop"}


async def test_what_was_changed_in_the_catalog_since_the_preview_is_not_installed(shop: Bench) -> None:
    plan = (await shop.orchestrator.preview("shop", {"n": 2}, ())).plan
    assert plan and (await shop.orchestrator.preview("shop", {"n": 3}, ())).plan == ""
    shop.offer("base", f"{PROVIDES}\negress: lan", version="2.0")
    with pytest.raises(NodeError, match="the plan is another one by now"):
        await shop.orchestrator.configure("shop", {"n": 2}, (), agreed=("shop", "base"), plan=plan)
    assert (await shop.state.load_apps()).keys() == {"shop"}
    plan = (await shop.orchestrator.preview("shop", {"n": 2}, ())).plan
    done = await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, (), plan=plan))
    assert done.state is OperationState.DONE, done
    plan = (await shop.orchestrator.preview("shop", {"n": 3}, ())).plan
    done = await shop.ended(await shop.orchestrator.configure("shop", {"n": 3}, (), plan=plan))
    assert done.state is OperationState.DONE and plan == ""


async def test_a_failure_brings_back_the_options_and_takes_back_what_came(shop: Bench) -> None:
    shop.offer("base", PROVIDES, version="2.0")
    shop.apps.on_run = lambda app, _: shop.apps.broken.add("1.0") if app == "base" else None
    done = await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, ()))
    assert done.state is OperationState.FAILED
    records = await shop.state.load_apps()
    assert records.keys() == {"shop"} and records["shop"].options == {} and records["shop"].choices == {}
    assert shop.data.deleted == ["base"] and not is_internal(shop, "shop")


async def test_a_cancel_brings_back_the_options_and_takes_back_what_came(shop: Bench) -> None:
    shop.apps.stuck["base"] = HealthState.STARTING
    begun = await shop.orchestrator.configure("shop", {"n": 2}, ())
    await shop.written.until(lambda: "base" in shop.apps.desired.apps)
    assert (await shop.operations.cancel(begun.id)).state is OperationState.CANCELLED
    records = await shop.state.load_apps()
    assert records.keys() == {"shop"} and records["shop"].options == {} and shop.data.deleted == ["base"]


@pytest.mark.parametrize("stored", [False, True])
async def test_a_change_that_a_crash_cut_off_goes_on(shop: Bench, stored: bool) -> None:
    done = await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, ()))
    row = await shop.row(done.id)
    if not stored:
        await shop.ended(await shop.orchestrator.configure("shop", {}, ("n",)))
        await shop.ended(await shop.orchestrator.remove("base", delete_data=True))
    ended = await shop.resumed("configure", "shop", row)
    assert ended.state is OperationState.DONE, ended
    records = await shop.state.load_apps()
    assert records.keys() == {"base", "shop"} and records["shop"].choices == {"i": "base"}


async def test_a_package_that_was_changed_since_is_not_installed(shop: Bench) -> None:
    shop.images.gate.clear()
    begun = await shop.orchestrator.configure("shop", {"n": 2}, ())
    running = shop.operations._running[begun.id][0]
    await shop.written.until(lambda: any(step.name == "image of base" for step in running.record.steps))
    shop.offer("base", PROVIDES, version="2.0")
    shop.images.gate.set()
    ended = await shop.ended(begun)
    assert ended.error is not None and "base was changed in the catalog since" in ended.error.message
    assert (await shop.state.load_apps()).keys() == {"shop"} and not await shop.state.has_slot("base")


async def test_an_app_that_runs_does_not_come_to_need_one_that_is_stopped(shop: Bench) -> None:
    await shop.installed("base")
    shop.offer(
        "more", "egress: direct\nvariants: [{when: {n: 2}, egress: none, requires: {i: {}, k: {default: late}}}]"
    )
    shop.offer("late", "provides: {k: {container: main, port: 81}}")
    await shop.installed("more")
    shop.images.gate.clear()
    begun = await shop.orchestrator.configure("more", {"n": 2}, ())
    running = shop.operations._running[begun.id][0]
    await shop.written.until(lambda: any(step.name == "image of late" for step in running.record.steps))
    await shop.ended(await shop.orchestrator.stop("base"))
    shop.images.gate.set()
    late = await shop.ended(begun)
    assert late.error is not None and "more would need base then, which is stopped" in late.error.message
    assert (await shop.state.load_apps()).keys() == {"base", "shop", "more"} and not await shop.state.has_slot("late")
    for ask in (shop.orchestrator.preview, shop.orchestrator.configure):
        with pytest.raises(NodeError, match="shop would need base then, which is stopped, so it would stop too"):
            await ask("shop", {"n": 2}, ())
    assert shop.apps.desired.wanted("shop") and shop.apps.desired.wanted("more")
    await shop.ended(await shop.orchestrator.stop("shop"))
    done = await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, ()))
    assert done.state is OperationState.DONE, "it does not run anyway"
    again = await shop.ended(await shop.orchestrator.configure("shop", {"n": 2}, ()))
    assert again.state is OperationState.DONE, "it is bound to it already"


async def test_another_app_that_cannot_be_read_is_in_nobodys_way(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.offer("shelf", "provides: {j: {container: main, port: 80}}")
    shop.offer("user", "requires: {j: {}}")
    await shop.installed("user")
    load = shop.state.load_apps

    async def load_of_a_later_version() -> dict[str, AppRecord]:
        found = dict(await load())
        package = found["shelf"].package
        partly = package.manifest.model_copy(update={"provides": {}})
        found["shelf"] = replace(found["shelf"], package=replace(package, problem="of later", manifest=partly))
        return found

    monkeypatch.setattr(shop.state, "load_apps", load_of_a_later_version)
    await shop.parts.changes.apply()
    for options, apps in (({"n": 3}, ()), ({"n": 2}, ("base",))):
        assert (await shop.orchestrator.preview("shop", options, ())).installs == apps
        done = await shop.ended(await shop.orchestrator.configure("shop", options, ()))
        assert done.state is OperationState.DONE, done
        assert shop.apps.desired.apps["shelf"].problem and shop.apps.desired.apps["user"].problem
    assert is_internal(shop, "shop") and (await load())["user"].choices == {"j": "shelf"}


async def test_what_is_on_the_disk_of_an_app_that_comes_counts_in_the_preview(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def holds(*_: object) -> bool:
        return True

    monkeypatch.setattr(DiskRules, "_holds", holds)
    shop.offer(
        "base",
        f"{PROVIDES}\nvolumes: {{data: {{data: files}}}}\n"
        "disk_rules: [{when: {n: 1}, volume: data, present: [mark], because: It has a mark.}]",
    )
    manifest = shop.folder / "catalog" / "base" / "manifest.yml"
    mounts = "    mounts: [{volume: data, path: /data}]\n    command:"
    manifest.write_text(manifest.read_text().replace("    command:", mounts))
    with pytest.raises(NodeError, match="base cannot have n=1: It has a mark"):
        await shop.orchestrator.preview("shop", {"n": 2}, ())
