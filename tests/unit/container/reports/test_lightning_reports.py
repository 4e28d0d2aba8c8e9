"""An LND is asked when somebody wants to know, seldom, with a macaroon that may only read."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archipelago.chains.lightning.macaroon import baked
from archipelago.container.desired.state import DesiredApp
from archipelago.container.health_monitor.probes import Watched
from archipelago.container.manifest.model.settings import SecretKind
from archipelago.container.manifest.package import load_package
from archipelago.container.namespace.client import HttpAnswer, Target
from archipelago.container.reports.lightning import LightningReporter
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import SecretsManager
from archipelago.storage.records.apps import AppRecord, Desired
from support.checkout import APPS


@dataclass
class Lnd:
    """Takes the place of the agent and of the LND that it speaks to."""

    peers: int = 2
    asked: list[tuple[int, str, str]] = field(default_factory=list)
    broken: bool = False

    async def http(self, target: Target, port: int, path: str, timeout: float, **more: Any) -> HttpAnswer:
        if self.broken:
            raise RuntimeError("a mistake of ours")
        self.asked.append((port, path, more["headers"]["Grpc-Metadata-macaroon"]))
        return HttpAnswer(200, json.dumps({"num_peers": self.peers}))


class World:
    """A reporter of an app of the catalog, whose program and clock the test drives."""

    def __init__(self, folder: Path, app: str = "lnd") -> None:
        self.lnd, self.now = Lnd(), 100.0
        self.secrets = SecretsManager(folder / "apps", folder / "node.key")
        self.secrets.key.state()
        self.root_key = self.secrets.ensure(app, "macaroon_key", SecretKind.TOKEN, 32).reveal()
        self.runs = [self.run("other"), self.run("main")]
        record = AppRecord(app, load_package(APPS / app), Desired.RUNNING, slot=1)

        async def installed(_: str) -> DesiredApp:
            return DesiredApp(record, Workload(app, (), (), (), (), ""))

        reconciler: Any = SimpleNamespace(probed_runs=lambda _: tuple(self.runs))
        namespace: Any = self.lnd
        self.reporter = LightningReporter(installed, reconciler, namespace, self.secrets, lambda: self.now)

    def run(self, container: str) -> Watched:
        return Watched("lnd", container, "x", Target(1, "10.0.0.2"), None, {})


async def test_many_who_ask_cost_one_question_in_ten_seconds_and_it_may_only_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    reports = await asyncio.gather(*(world.reporter.report("lnd") for _ in range(20)))
    assert {report.peers for report in reports} == {2} and len(world.lnd.asked) == 6
    macaroon = baked(world.root_key, "node, to read", ("info:read", "offchain:read", "onchain:read"))
    assert {(port, given) for port, _, given in world.lnd.asked} == {(8080, macaroon)}
    assert world.secrets.redactor.redact(f"log: {macaroon}") == "log: ***"
    world.lnd.peers, world.now = 3, 109.9
    assert (await world.reporter.report("lnd")).peers == 2
    world.now = 110.0
    assert (await world.reporter.report("lnd")).peers == 3


async def test_another_run_is_asked_at_once_and_one_that_does_not_run_not_at_all(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.reporter.report("lnd")
    world.lnd.peers, world.runs = 4, [world.run("main")]
    assert (await world.reporter.report("lnd")).peers == 4
    world.runs, count = [world.run("other")], len(world.lnd.asked)
    report = await world.reporter.report("lnd")
    assert (report.running, report.peers, len(world.lnd.asked)) == (False, None, count)


async def test_whatever_goes_wrong_is_no_failure_of_the_page(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lnd.broken = True
    report = await world.reporter.report("lnd")
    assert report.running and report.peers is None


async def test_an_app_without_a_lightning_node_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="no Lightning node"):
        await World(tmp_path, "bitcoin-knots").reporter.report("bitcoin-knots")
