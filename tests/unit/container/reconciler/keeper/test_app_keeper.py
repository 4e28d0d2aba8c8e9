"""The loop that keeps one app: whoever waits for it gets an answer."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from archipelago.api.health import HealthState
from archipelago.container.data.identity import Trouble, VolumeVerdict
from archipelago.container.data.keeper import DataMissing
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.reconciler.keeper.app_keeper import AppKeeper
from archipelago.container.reconciler.keeper.tools import Tools
from archipelago.container.reconciler.observer import Observation
from archipelago.container.reconciler.repair_order import RepairOrder
from archipelago.container.workload.workload import Workload
from archipelago.storage.records.apps import AppRecord, Desired


async def nothing(*_: object) -> None:
    pass


async def look() -> Observation:
    return Observation()


async def missing(_: Workload) -> None:
    raise DataMissing("knots", (Trouble("chain", "/v/chain", VolumeVerdict.GONE),))


def tools() -> Tools:
    wanted = SimpleNamespace(container="main", name="knots-main", hash="1", after=(), attachments={})
    workload = cast(Workload, SimpleNamespace(app="knots", containers=(wanted,)))
    record = cast(AppRecord, SimpleNamespace(app="knots", desired=Desired.RUNNING))
    state = DesiredState(apps={"knots": DesiredApp(record, workload)})
    found = SimpleNamespace(
        desired=lambda: state,
        observer=SimpleNamespace(look=look),
        volumes=SimpleNamespace(ensure=missing),
        namespace=SimpleNamespace(discard=nothing),
        image_id=nothing,
        changed=lambda _: None,
        redact=str,
    )
    return cast(Tools, cast(Any, found))


async def test_a_repair_of_an_app_whose_data_is_missing_does_not_wait_for_the_data() -> None:
    keeper = AppKeeper("knots", tools(), {})
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(5):
        await keeper.request_repair(RepairOrder("again", "Again", (), {"main": ("-reindex",)}))
    while keeper.health.state is not HealthState.FAILED:
        await asyncio.sleep(0)
    assert keeper.health.needs_owner and "is gone" in keeper.health.reason
    running.cancel()
    await asyncio.wait([running])
