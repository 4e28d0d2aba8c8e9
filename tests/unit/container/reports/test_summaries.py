"""What the list of installed apps says of each."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from archipelago.api.apps import AppSummary, Dependency
from archipelago.container.dependency_resolver.plan import Edge, Plan
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.reports.apps import Reporter
from archipelago.container.reports.link_traffic import Pair
from archipelago.container.workload.workload import Workload
from archipelago.performance.metrics import Metrics, Usage
from archipelago.storage.records.apps import AppRecord, Desired
from support.jobs_bench import Apps
from support.sites import DOORS
from support.workloads import ELECTRUM

EDGES = (
    Edge(consumer="electrum", interface="rpc", provider="bitcoin", wait=Wait.SERVING, optional=False),
    Edge(consumer="electrum", interface="blocks", provider="bitcoin", wait=Wait.SERVING, optional=True),
)


def app(name: str, desired: Desired = Desired.RUNNING) -> DesiredApp:
    return DesiredApp(AppRecord(name, ELECTRUM, desired, slot=1), Workload(name, (), (), (), (), ""))


def reporter_of(
    metrics: Metrics, found: Mapping[str, DesiredApp], links: Callable[[], Mapping[Pair, float]]
) -> Reporter:
    """Return what reports on these apps."""
    apps: Any = Apps(DesiredState(found, Plan(edges=EDGES)))
    traffic: Any = SimpleNamespace(now=links)
    operations: Any = SimpleNamespace(working_on=lambda _: None)
    nothing: Any = None
    return Reporter(
        nothing, nothing, apps, operations, (), nothing, lambda: (), metrics, traffic, nothing, DOORS, nothing
    )


async def summaries(
    metrics: Metrics, found: Mapping[str, DesiredApp], links: Mapping[Pair, float] | None = None
) -> dict[str, AppSummary]:
    """Return what the list says of these apps, by app."""
    return {each.app: each for each in await reporter_of(metrics, found, lambda: links or {}).summaries()}


async def test_each_app_names_what_it_uses_and_where_the_catalog_files_it() -> None:
    found = await summaries(Metrics(), {name: app(name) for name in ("bitcoin", "electrum")})
    assert found["bitcoin"].uses == ()
    assert found["electrum"].uses == (
        Dependency(interface="rpc", app="bitcoin", optional=False),
        Dependency(interface="blocks", app="bitcoin", optional=True),
    )
    assert found["electrum"].category is ELECTRUM.manifest.category


async def test_the_traffic_between_two_apps_is_told_with_each_interface() -> None:
    apps = {name: app(name) for name in ("bitcoin", "electrum")}
    found = await summaries(Metrics(), apps, {("electrum", "bitcoin"): 12.5, ("bitcoin", "electrum"): 7.0})
    assert [each.traffic for each in found["electrum"].uses] == [12.5, 12.5]


async def test_summaries_without_links_make_nobody_sample_the_traffic_between_apps() -> None:
    looks = 0

    def links() -> Mapping[Pair, float]:
        nonlocal looks
        looks += 1
        return {("electrum", "bitcoin"): 12.5}

    reporter = reporter_of(Metrics(), {name: app(name) for name in ("bitcoin", "electrum")}, links)
    found = {each.app: each for each in await reporter.summaries_without_links()}
    assert looks == 0 and [each.traffic for each in found["electrum"].uses] == [None, None]
    await reporter.summaries()
    assert looks == 1


async def test_the_traffic_of_an_app_is_that_of_its_last_sample() -> None:
    metrics = Metrics()
    apps = {"bitcoin": app("bitcoin"), "stopped": app("stopped", Desired.STOPPED)}
    assert (await summaries(metrics, apps))["bitcoin"].traffic is None, "nothing was sampled yet"
    metrics.add(10.0, {"bitcoin": Usage(received=1000, sent=50)}, apps)
    metrics.add(20.0, {"bitcoin": Usage(received=4000, sent=1050)}, apps)
    found = await summaries(metrics, apps)
    assert found["bitcoin"].traffic == 400.0
    assert found["stopped"].traffic is None
    metrics.add(30.0, {"bitcoin": Usage(received=4000, sent=1050)}, apps)
    assert (await summaries(metrics, apps))["bitcoin"].traffic == 0.0
