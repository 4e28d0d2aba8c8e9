"""A chain daemon is asked when somebody wants to know, seldom, and whatever it does harms nobody."""

import asyncio
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from archipelago.api.health import Health, HealthState, Sync
from archipelago.chains.facts import ChainPhase
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.probes import ChainProbe, HealthCheck
from archipelago.container.manifest.package import AppPackage
from archipelago.container.namespace.client import HttpAnswer, ProbeFailed, Target
from archipelago.container.reports.chains import ChainReporter
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.security.secrets.secret import Secret
from archipelago.storage.records.apps import AppRecord, Desired
from support.app_manifests import app

CHECK = HealthCheck(probe=ChainProbe(type="chain", port=8332, secret="probe"))
SYNC = Sync(
    chain="main", height=7, headers=9, percent=80, initial_block_download=True, seconds_left=60, blocks_per_hour=120
)


@dataclass
class Daemon:
    """Takes the place of the agent and of the daemon that it speaks to."""

    height: int = 5
    status: int = 200
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def http(self, target: Target, port: int, path: str, timeout: float, **more: Any) -> HttpAnswer:
        assert (port, more["headers"]["Authorization"][:6]) == (8332, "Basic ")
        self.asked += 1
        await self.gate.wait()
        if not self.status:
            raise ProbeFailed("timed out")
        chain = {"chain": "main", "blocks": self.height, "headers": 9, "verificationprogress": 0.5}
        result = {**chain, "initialblockdownload": True}
        answers = [{"id": call["id"], "error": None, "result": result} for call in json.loads(more["body"])]
        return HttpAnswer(self.status, json.dumps(answers) if self.status == 200 else "")


@dataclass
class World:
    """A reporter of one app, `knots`, whose daemon and clock the test drives."""

    daemon: Daemon = field(default_factory=Daemon)
    now: float = 100.0
    manifest: AppManifest = field(
        default_factory=lambda: app(
            "knots",
            secrets={"probe": {}},
            containers={
                "main": {
                    "image": f"registry.example/knots@sha256:{'0' * 64}",
                    "health": {"probe": {"type": "chain", "port": 8332, "secret": "probe"}},
                }
            },
        )
    )

    def __post_init__(self) -> None:
        record = AppRecord("knots", AppPackage(self.manifest, "", {}), Desired.RUNNING, slot=1)
        found = DesiredApp(record, Workload("knots", (), (), (), (), ""))
        self.runs = [self.run()]
        reconciler: Any = SimpleNamespace(
            desired=DesiredState({"knots": found}),
            probed_runs=lambda _: tuple(self.runs),
            container_healths=lambda _: {"main": Health(state=HealthState.SYNCING, sync=SYNC)},
        )
        namespace: Any = self.daemon

        async def installed(_: str) -> DesiredApp:
            return found

        self.reporter = ChainReporter(installed, reconciler, namespace, lambda: self.now)

    def run(self) -> Watched:
        return Watched("knots", "main", "x", Target(1, "10.0.0.2"), CHECK, {"probe": Secret("hidden", "f")})


async def test_many_who_ask_cost_one_question_in_ten_seconds() -> None:
    world = World()
    reports = await asyncio.gather(*(world.reporter.report("knots") for _ in range(50)))
    once = world.daemon.asked
    assert {report.height for report in reports} == {5}
    world.daemon.height, world.now = 6, 109.9
    assert (await world.reporter.report("knots")).height == 5
    assert world.daemon.asked == once
    world.now = 110.0
    assert (await world.reporter.report("knots")).height == 6


async def test_another_run_is_asked_at_once() -> None:
    world = World()
    await world.reporter.report("knots")
    world.daemon.height, world.runs = 8, [world.run()]
    assert (await world.reporter.report("knots")).height == 8


async def test_who_hangs_up_takes_nothing_from_the_others() -> None:
    world = World()
    world.daemon.gate.clear()
    impatient = asyncio.create_task(world.reporter.report("knots"))
    patient = asyncio.create_task(world.reporter.report("knots"))
    while not world.daemon.asked:
        await asyncio.sleep(0)
    impatient.cancel()
    world.daemon.gate.set()
    assert (await patient).height == 5


async def test_the_rate_and_the_time_left_come_with_it() -> None:
    report = await World().reporter.report("knots")
    assert (report.running, report.phase, report.percent) == (True, ChainPhase.BLOCKS, 50.0)
    assert (report.blocks_per_hour, report.seconds_left) == (120, 60)


@pytest.mark.parametrize("status", [0, 403])
async def test_of_a_daemon_that_does_not_answer_the_last_probe_is_told(status: int) -> None:
    world = World(Daemon(status=status))
    report = await world.reporter.report("knots")
    assert (report.phase, report.height, report.headers, report.percent) == (ChainPhase.BLOCKS, 7, 9, 80)
    assert (report.peers, report.fees, report.blocks) == (None, None, ())


async def test_what_does_not_run_is_not_asked() -> None:
    world = World()
    world.runs = []
    report = await world.reporter.report("knots")
    assert (report.running, report.phase, report.height, world.daemon.asked) == (False, None, None, 0)


async def test_an_app_without_a_chain_has_no_report() -> None:
    with pytest.raises(NodeError, match="knots follows no chain"):
        await World(manifest=app("knots")).reporter.report("knots")
