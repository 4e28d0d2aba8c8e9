"""What a change of one app does to others."""

from dataclasses import replace

import pytest

from archipelago.container.dependency_resolver.plan import Action, Edge, Plan, PlannedApp
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.manifest.model.interfaces import Provided, Wait
from archipelago.container.proposals.consequences import (
    require_agreed,
    restart_preview,
    secrets_preview,
    stop_preview,
    with_restarts,
)
from archipelago.container.workload.workload import Workload
from archipelago.errors import NodeError
from archipelago.security.secrets.secret_names import consumer_of, login_name
from archipelago.storage.records.apps import AppRecord, Desired
from support.workloads import ELECTRUM

APPS = ("bitcoin", "electrum", "explorer", "monitor", "other")
EDGES = tuple(
    Edge(consumer=consumer, interface="x", provider=provider, wait=Wait.SERVING, optional=consumer == "monitor")
    for consumer, provider in (("electrum", "bitcoin"), ("explorer", "electrum"), ("monitor", "bitcoin"))
)


def app(name: str) -> DesiredApp:
    record = AppRecord(name, ELECTRUM, Desired.RUNNING, slot=1, options={}, installed_at=0.0)
    return DesiredApp(record, Workload(name, (), (), (), (), ""))


STATE = DesiredState({name: app(name) for name in APPS}, Plan(edges=EDGES))


def stopped(name: str) -> DesiredState:
    found = STATE.apps[name]
    return replace(
        STATE, apps={**STATE.apps, name: replace(found, record=replace(found.record, desired=Desired.STOPPED))}
    )


def test_a_stop_takes_along_what_cannot_do_without_it() -> None:
    preview = stop_preview(STATE, "bitcoin")
    assert preview.stops == ("explorer", "electrum"), "the last ones of the chain first"
    assert preview.interrupts == ("monitor",)
    assert stop_preview(STATE, "other") == stop_preview(STATE, "other").model_copy(update={"stops": ()})


def test_what_is_stopped_already_does_not_stop() -> None:
    preview = stop_preview(stopped("electrum"), "bitcoin")
    assert (preview.stops, preview.interrupts) == ((), ("monitor",))


def test_a_restart_stops_nobody_else() -> None:
    preview = restart_preview(STATE, "bitcoin")
    assert (preview.stops, preview.interrupts) == ((), ("electrum", "explorer", "monitor"))
    assert restart_preview(stopped("electrum"), "bitcoin").interrupts == ("monitor",)


def provider(**exports: str) -> DesiredState:
    """Return a state in which others use an interface of `bitcoin` that exports this."""
    found = STATE.apps["bitcoin"]
    interface = Provided(container="daemon", port=1, exports=exports)
    manifest = ELECTRUM.manifest.model_copy(update={"provides": {"x": interface}})
    record = replace(found.record, package=replace(ELECTRUM, manifest=manifest))
    return replace(STATE, apps={**STATE.apps, "bitcoin": replace(found, record=record)})


def test_a_secret_restarts_who_gets_it() -> None:
    plain, exporting = provider(network="main"), provider(cookie="{{ secrets.cookie }}")
    login = login_name("x", "electrum")
    assert secrets_preview(plain, "bitcoin", ("cookie",)).restarts == ()
    assert secrets_preview(exporting, "bitcoin", ("cookie",)).restarts == ("electrum", "monitor")
    changed = secrets_preview(plain, "bitcoin", (login,))
    assert (changed.stops, changed.restarts, changed.interrupts) == ((), ("electrum",), ("explorer", "monitor"))
    assert secrets_preview(plain, "bitcoin", ("cookie", login)).restarts == ("electrum",)
    assert secrets_preview(plain, "bitcoin", (login_name("x", "gone"),)).restarts == ()


@pytest.mark.parametrize("name", ["edge", "edge.x", "edge.x.y.z", "edges.x.y", "password"])
def test_what_only_looks_like_a_login_is_a_secret_of_the_apps_own(name: str) -> None:
    assert consumer_of(name) is None and consumer_of(login_name("bitcoin-rpc", "app")) == "app"


def test_nothing_happens_to_others_than_was_agreed_to() -> None:
    require_agreed("bitcoin", None, ("electrum",))
    require_agreed("bitcoin", ("electrum",), ("bitcoin", "electrum"))
    require_agreed("bitcoin", ("electrum", "explorer"), ("electrum",))
    with pytest.raises(NodeError, match="explorer would now be stopped, restarted or installed as well"):
        require_agreed("bitcoin", ("electrum",), ("electrum", "explorer"))


def test_a_plan_names_what_is_made_again() -> None:
    apps = tuple(PlannedApp(app=name, name=name, version="1", action=Action.REUSE) for name in APPS)
    plan = with_restarts(Plan(apps=apps, edges=EDGES), "bitcoin", ("bitcoin", "electrum"), STATE)
    actions = {planned.app: planned.action for planned in plan.apps}
    assert [name for name, action in actions.items() if action is Action.RESTART] == ["bitcoin", "electrum"]
    assert plan.interrupts == ("explorer", "monitor")
    assert "made again with the new settings of bitcoin" in plan.apps[1].because[-1]
