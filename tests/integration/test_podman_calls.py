"""What the node asks of Podman to keep, start and remove apps: nothing twice, and nothing that Podman has to refuse."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from archipelago.api.health import HealthState
from archipelago.api.operations import Operation
from archipelago.config import NodeConfig
from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.models import ContainerState
from archipelago.container.podman_client.wire.transport import Transport
from archipelago.node.node import Node
from archipelago.node.power import Power
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.records.operations import OperationState
from support.harness import ROOT, RUNTIME, free_port, remove_leftovers
from support.tiny_apps import write_app

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

APPS = ("one", "two", "three")
HEALTH = 'health: {probe: {type: exec, command: [/usr/bin/busybox, "true"]}, interval: 1h}'
LIST = "GET /containers/json"
_NAMES = re.compile(r"/(archipelago-[^/]+|[0-9a-f]{64}|localhost/.*?)(?=/|$)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[Node]:
    """A node in this process with three apps, of which each needs the one before it."""
    remove_leftovers()
    root, runtime, apps = ROOT / "calls", RUNTIME / "calls", ROOT / "calls.apps"
    root.mkdir(parents=True)
    for index, app in enumerate(APPS):
        offered = f"provides: {{{app}-service: {{container: main, port: 80}}}}"
        needed = f"requires: {{{APPS[index - 1]}-service: {{wait: started}}}}" if index else ""
        write_app(apps, app, health=HEALTH, more=f"{offered}\n{needed}")
    config = NodeConfig(root, runtime, apps, free_port())
    made = await Node(config, SecretsManager(root / "apps", root / "node.key"), Power(obeyed=False)).start()
    await done(made, await made.parts.apps.late.orchestrator.install("three", {}, {}, start=True))
    yield made
    await made.close()
    remove_leftovers()


async def done(node: Node, operation: Operation) -> None:
    """Wait until an operation has succeeded and all that its apps need is healthy."""
    ended = await node.parts.apps.operations.wait(operation.id, 200)
    assert ended.state is OperationState.DONE, ended


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count the calls that reach Podman meanwhile, without names, and those that it refuses as `… !`."""
    calls: Counter[str] = Counter()
    really = Transport._request_once

    async def once(self: Transport, method: str, path: str, *rest: Any) -> tuple[int, bytes]:
        call = f"{method} {_NAMES.sub('/NAME', path)}"
        calls[call] += 1
        try:
            return await really(self, method, path, *rest)
        except PodmanError:
            calls[f"{call} !"] += 1
            raise

    with monkeypatch.context() as patch:
        patch.setattr(Transport, "_request_once", once)
        yield calls


async def test_apps_that_are_as_they_should_be_cost_one_question_together(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler = node.parts.apps.reconciler
    found: list[Counter[str]] = []
    try:
        async with asyncio.timeout(100):
            # Meanwhile something else may be asked, such as what Podman's name server knows, which may take its time.
            while {LIST: 1} not in found:
                with recorded(monkeypatch) as calls:
                    reconciler.apply(reconciler.desired)
                    await reconciler.settled(APPS)
                found.append(calls)
    except TimeoutError:
        pytest.fail(f"it always costs more: {found[:9]}")


async def test_a_start_asks_for_nothing_twice(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    reconciler, orchestrator = node.parts.apps.reconciler, node.parts.apps.late.orchestrator
    with recorded(monkeypatch) as calls:
        await done(node, await orchestrator.stop("three"))
    assert calls["GET /containers/NAME/json"] == 0, calls
    with recorded(monkeypatch) as calls:
        await done(node, await orchestrator.start("three"))
    assert reconciler.health("three").state is HealthState.HEALTHY
    for call in ("GET /containers/NAME/json", "POST /containers/NAME/init", "POST /containers/NAME/start"):
        assert calls[call] == 1, calls
    assert calls["POST /containers/create"] == 0 and calls["GET /images/NAME/json"] == 0, calls


async def test_what_podman_says_of_a_container_is_the_same_before_and_after_its_start(node: Node) -> None:
    name = "archipelago-two--main"
    await done(node, await node.parts.apps.late.orchestrator.restart("two"))
    run = node.parts.apps.reconciler._keepers["two"][0]._runs.get(name)
    assert run is not None
    now = await node.parts.podman.client.containers.inspect(name)
    assert run.details.state is ContainerState.INITIALIZED, "it was not asked again"
    assert replace(run.details, state=now.state, started_at=now.started_at) == now
    assert now.conmon_pid and now.networks["archipelago-two"].ip is not None


async def test_what_is_removed_is_asked_to_go_once_and_nothing_has_to_be_refused(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    orchestrator = node.parts.apps.late.orchestrator
    with recorded(monkeypatch) as calls:
        await done(node, await orchestrator.remove("three", delete_data=True))
    assert calls["DELETE /containers/NAME"] == 1 and calls["DELETE /networks/NAME"] == 2, calls
    # What an app uses is asked for every ten seconds, and the answer is no where it goes meanwhile.
    assert not [call for call in calls if call.endswith("!") and "/stats" not in call], calls
