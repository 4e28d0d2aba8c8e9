"""The loop that keeps one app: whoever waits for it gets an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.health import HealthState
from archipelago.container.data.identity import Trouble, VolumeVerdict
from archipelago.container.data.keeper import DataMissing
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.podman_client.errors import PodmanCall, PodmanFailure, StorageFull
from archipelago.container.reconciler.keeper.app_keeper import AppKeeper
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.observer import Observation
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.workload.workload import Workload
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired


async def nothing(*_: object) -> None:
    pass


async def look() -> Observation:
    return Observation()


async def missing(_: Workload) -> None:
    raise DataMissing("knots", (Trouble("chain", "/v/chain", VolumeVerdict.GONE),))


async def full(_: Workload) -> None:
    raise NodeError(ErrorCode.DISK_FULL, "the disk that holds state.db is full")


async def podman_full(_: Workload) -> None:
    raise StorageFull(PodmanCall("create a container"), "database or disk is full")


async def podman_fails(_: Workload) -> None:
    raise PodmanFailure(PodmanCall("create a container"), "no idea")


def tools(ensure: Callable[[Workload], Awaitable[None]] = missing) -> Tools:
    wanted = SimpleNamespace(container="main", name="knots-main", hash="1", after=(), attachments={})
    workload = cast(Workload, SimpleNamespace(app="knots", containers=(wanted,)))
    record = cast(AppRecord, SimpleNamespace(app="knots", desired=Desired.RUNNING))
    state = DesiredState(apps={"knots": DesiredApp(record, workload)})
    found = SimpleNamespace(
        desired=lambda: state,
        observer=SimpleNamespace(look=look),
        volumes=SimpleNamespace(ensure=ensure),
        namespace=SimpleNamespace(discard=nothing),
        image_id=nothing,
        changed=lambda _: None,
        redact=str,
    )
    return cast(Tools, cast(Any, found))


async def test_a_repair_of_an_app_whose_data_is_missing_does_not_wait_for_the_data() -> None:
    keeper = AppKeeper("knots", tools(), {})
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(20):
        await keeper.request_repair(RepairOrder("again", "Again", (), {"main": ("-reindex",)}))
    while keeper.health.state is not HealthState.FAILED:
        await asyncio.sleep(0)
    assert keeper.health.needs_owner and "is gone" in keeper.health.reason
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(("fails", "is_full"), [(full, True), (podman_full, True), (podman_fails, False)])
async def test_an_app_that_a_full_disk_keeps_from_starting_says_so(
    fails: Callable[[Workload], Awaitable[None]], is_full: bool
) -> None:
    keeper = AppKeeper("knots", tools(fails), {})
    running = asyncio.create_task(keeper.run())
    while keeper.health.failure is None:
        await asyncio.sleep(0)
    assert keeper.health.failure.disk_full is is_full
    running.cancel()
    await asyncio.wait([running])
