"""What is said of an app is about what runs now: old crashes and a new life of the daemon change nothing."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.support.process import process_start, seconds_since
from support.app_user import as_owner_of
from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.healthy_again import until_healthy_again
from support.tiny_apps import SERVE, TCP, write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900), pytest.mark.waits]

OPTION = "options: {n: {type: int, label: N, default: 1, minimum: 1, maximum: 9}}\n"
GOOD_IF_ONE = '[sh, -c, "[ {{ options.n }} = 1 ] && exec busybox httpd -f -p 8000 -h /; exit 3"]'
HUNGRY = '[sh, -c, "[ -e /data/food ] && exec busybox httpd -f -p 8000 -h /; exit 4"]'
DATA = "volumes: {data: {data: files}}\n"
MOUNT = "init: true\n    mounts: [{volume: data, path: /data}]"
CHAIN = "provides: {chain-rpc: {container: main, port: 8000, version: '1'}}\n"
LATE = '[sh, -c, "busybox sleep 2; exec busybox httpd -f -p 8000 -h /"]'
SYNCING = "health: {probe: {type: exec, command: [busybox, sh, -c, 'echo block 3 of 9; exit 75']}, interval: 10s}"
BAD = {"starting", "failed", "backing-off", "unhealthy"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    """A node whose catalog the tests write."""
    remove_leftovers()
    async with running_node("verdicts", apps=tmp_path_factory.mktemp("catalog")) as running:
        yield running


def offer(node: TestNode, app: str, **how: Any) -> Path:
    """Offer an app."""
    assert node.apps is not None
    write_app(node.apps, app, **how)
    return node.apps / app / "manifest.yml"


async def have(node: TestNode, app: str, **how: Any) -> None:
    """Offer an app and install it, unless an earlier test has."""
    if app not in {each["app"] for each in await node.call("container-list")}:
        offer(node, app, **how)
        await node.install(app)


async def health(node: TestNode, app: str) -> dict[str, Any]:
    """Return the health of an app."""
    return dict((await node.call("container-status", app=app))["health"])


async def test_a_crash_under_other_options_or_another_version_is_no_verdict_on_these(node: TestNode) -> None:
    offer(node, "fickle", command=GOOD_IF_ONE, more=OPTION)
    await node.install("fickle")
    broken = await node.ended(await node.call("container-config", app="fickle", options={"n": 2}))
    assert broken["state"] == "failed" and "exit code 3" in broken["error"]["message"]
    await node.done(await node.call("container-config", app="fickle", options={"n": 1}))
    found = await health(node, "fickle")
    assert (found["state"], found["restarts"], found["failure"]) == ("healthy", 0, None)

    manifest = offer(node, "fickle", command=GOOD_IF_ONE, more=OPTION, version="2.0")
    manifest.write_text(manifest.read_text().replace("options.n }} = 1", "options.n }} = 2"))
    broken = await node.ended(await node.call("container-update", app="fickle"))
    assert broken["state"] == "failed" and "exit code 3" in broken["error"]["message"]
    offer(node, "fickle", command=GOOD_IF_ONE, more=OPTION, version="3.0")
    await node.done(await node.call("container-update", app="fickle"))
    assert (await health(node, "fickle"))["restarts"] == 0


async def test_a_start_and_a_restart_by_the_owner_try_at_once_and_judge_anew(node: TestNode) -> None:
    manifest = offer(node, "hungry", command=HUNGRY, more=DATA)
    manifest.write_text(manifest.read_text().replace("init: true", MOUNT))
    data = node.root / "apps" / "hungry" / "volumes" / "data"
    failed = await node.ended(await node.call("container-install", app="hungry"))
    assert failed["state"] == "failed" and "exit code 4" in failed["error"]["message"]
    for change in ("container-start", "container-restart"):
        as_owner_of(data, "touch", "food")
        await node.done(await node.call(change, app="hungry"))
        found = await health(node, "hungry")
        assert (found["state"], found["restarts"], found["failure"]) == ("healthy", 0, None)
        as_owner_of(data, "rm", "-f", "food")
        failed = await node.ended(await node.call("container-restart", app="hungry"))
        assert failed["state"] == "failed", "a new crash is a new verdict"


async def test_an_app_without_a_probe_is_healthy_once_it_has_run_for_ten_seconds(node: TestNode) -> None:
    offer(node, "crasher", command='[sh, -c, "busybox sleep 2; exit 5"]', health="")
    offer(node, "sleeper", command='[sleep, "100000"]', health="")
    crashed, slept = await asyncio.gather(
        node.call("container-install", app="crasher"), node.call("container-install", app="sleeper")
    )
    crashed, slept = await asyncio.gather(node.ended(crashed), node.ended(slept))
    assert crashed["state"] == "failed" and "exit code 5" in crashed["error"]["message"]
    history = await node.call("health-history", app="crasher", limit=100)
    assert "healthy" not in {each["data"]["state"] for each in history}
    assert slept["state"] == "done"
    # By the kernel, as the node counts: Podman says that it has started a moment after its first process was there.
    start = process_start(int(podman("inspect", "--format", "{{.State.Pid}}", "archipelago-sleeper--main")))
    assert start is not None
    began = time.time() - seconds_since(start)
    healthy = await told(node, "sleeper", "healthy")
    assert datetime.fromisoformat(healthy["at"]).timestamp() - began >= 9.9, "ten, as exactly as ticks and clocks are"


async def told(node: TestNode, app: str, state: str) -> dict[str, Any]:
    """Return the newest event about the health of an app, once it is of this state: it is written down after it is."""
    async with asyncio.timeout(60):
        while True:
            revision = (await node.call("system-info"))["revision"]
            newest = (await node.call("health-history", app=app, limit=1))[:1]
            if newest and newest[0]["data"]["state"] == state:
                return dict(newest[0])
            await node.next_event(revision)


async def test_done_means_ready_or_says_what_is_waited_for(node: TestNode) -> None:
    offer(node, "chain", command=SERVE, health=SYNCING, more=CHAIN)
    offer(node, "eager", command=LATE, health=TCP.replace("5s", "60s"), more="requires: {chain-rpc: {wait: serving}}\n")
    offer(node, "patient", command=SERVE, more="requires: {chain-rpc: {wait: healthy}}\n")
    await node.install("eager")
    await node.install("patient")
    await node.done(await node.call("container-stop", app="chain"))
    done = await node.done(await node.call("container-start", app="eager"))
    assert (await health(node, "eager"))["state"] == "healthy", done
    waits = await node.done(await node.call("container-start", app="patient"))
    (step,) = [each for each in waits["steps"] if each["name"] == "start patient"]
    assert step["detail"].startswith("waiting: waits for chain, which is syncing")
    command = [sys.executable, "-m", "archipelago.cli", "start", "patient"]
    asked = {**os.environ, "ARCHIPELAGO_SOCKET": str(node.socket)}
    said = await asyncio.to_thread(subprocess.run, command, env=asked, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said
    assert "patient: waiting: waits for chain, which is syncing: block 3 of 9\n" in said.stdout


async def test_a_new_life_of_the_daemon_says_of_what_goes_on_what_the_last_one_said(node: TestNode) -> None:
    await have(node, "lasting")
    await have(node, "sleeper", command='[sleep, "100000"]', health="")
    await have(node, "chain", command=SERVE, health=SYNCING, more=CHAIN)
    apps = ("lasting", "sleeper", "chain")
    await node.until("chain", "syncing")
    before = {app: await health(node, app) for app in apps}
    # What the next life is to know is written down after the events of it, and before those of another app.
    for app in apps:
        await told(node, app, before[app]["state"])
    offer(node, "later")
    await node.install("later")
    await told(node, "later", "healthy")
    revision = (await node.call("system-info"))["revision"]
    node.kill()
    await node.start()
    listed = {each["app"]: each["state"] for each in await node.call("container-list")}
    assert {app: listed[app] for app in apps} == {app: before[app]["state"] for app in apps}
    for app in apps:
        found = await health(node, app)
        assert (found["state"], found["since"]) == (before[app]["state"], before[app]["since"])
    podman("kill", "archipelago-lasting--main")  # a new run is a new story
    await until_healthy_again(node, "lasting", datetime.fromisoformat(before["lasting"]["since"]))
    events = await node.call("events-since", revision=revision, limit=1000)
    states = [(each["app"], each["data"]["state"]) for each in events if each["kind"] == "health"]
    assert not [state for app, state in states if app in ("sleeper", "chain") and state in BAD]


async def notices(node: TestNode) -> dict[str, dict[str, Any]]:
    """Return what needs the owner, by what it is about: `operation fickle`, or the text of a finding."""
    found = await node.call("node-notices", examine=True)
    return {f"{each['kind']} {each['app']}" if each["app"] else each["text"]: each for each in found}


async def test_what_the_owner_knows_is_put_aside_on_this_node_until_it_changes(node: TestNode) -> None:
    offer(node, "shaky", command=GOOD_IF_ONE, more=OPTION)
    await node.ended(await node.call("container-install", app="shaky", options={"n": 2}))
    needed = await notices(node)
    app, operation = needed["app shaky"], needed["operation shaky"]
    assert operation["operation"] and "exit code 3" in operation["detail"]
    since = (await node.call("system-info"))["revision"]
    passed: list[str] = []
    while "starting" not in passed or "backing-off" not in passed[passed.index("starting") :]:
        revision = (await node.call("system-info"))["revision"]
        assert "app shaky" in await notices(node), "it stays while the app is started again and again"
        events = await node.call("events-since", revision=since, limit=1000)
        passed = [each["data"]["state"] for each in events if each["app"] == "shaky" and each["kind"] == "health"]
        await node.next_event(revision)
    for each in (app, operation):
        await node.call("node-notice-hide", id=each["id"], said=each["said"])
    host = [each for each in needed.values() if each["kind"] == "finding"]
    for each in host:
        await node.call("node-notice-hide", id=each["id"], mute=each["may_mute"])
    node.kill()
    await node.start()
    # From backing off to starting and back again, it is the same matter.
    revision = (await node.call("system-info"))["revision"]
    await node.ended(await node.call("container-restart", app="shaky"))
    assert [each for each in await node.call("events-since", revision=revision) if each["app"] == "shaky"]
    shown = [key for key, each in (await notices(node)).items() if each["hidden"] is None]
    assert "app shaky" not in shown
    assert "operation shaky" in shown, "it has failed once more"
    assert not set(shown) & {each["text"] for each in host}
    assert "no notice" in (await refused(node, "node-notice-hide", id="finding:nothing")).lower()
    await node.call("node-notice-show", id=app["id"])
    assert (await notices(node))["app shaky"]["hidden"] is None
    await node.done(await node.call("container-config", app="shaky", options={"n": 1}))
    assert not [key for key in await notices(node) if "shaky" in key], "what was done since has succeeded"


async def refused(node: TestNode, method: str, **parameters: Any) -> str:
    """Return why the node refuses a call."""
    with pytest.raises(RpcError) as error:
        await node.call(method, **parameters)
    return error.value.message
