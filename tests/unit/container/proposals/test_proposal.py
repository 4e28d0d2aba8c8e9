"""What the owner agreed to is what is carried out, or the owner is asked again."""

from dataclasses import replace

import pytest

from archipelago.container.dependency_resolver.plan import Action, Edge, Plan, PlannedApp
from archipelago.container.manifest.model.interfaces import Wait
from archipelago.container.proposals.proposal import Proposal, concerning
from archipelago.errors import NodeError
from support.workloads import ELECTRUM, bitcoin

CATALOG = {"bitcoin": bitcoin(), "electrum": ELECTRUM}
EDGE = Edge(consumer="electrum", interface="bitcoin-rpc", provider="bitcoin", wait=Wait.SERVING)
PLAN = Plan(
    apps=tuple(PlannedApp(app=app, name=app, version="1.0", action=Action.INSTALL) for app in CATALOG),
    edges=(EDGE,),
    ports={"bitcoin/p2p": 8333},
    warnings=("little memory is free",),
)


def test_the_same_plan_has_the_same_digest_whatever_it_warns_of() -> None:
    first = Proposal.of(PLAN, CATALOG, {}, "electrum")
    again = Proposal.of(PLAN.model_copy(update={"warnings": ()}), {**CATALOG, "other": ELECTRUM}, {}, "electrum")
    assert first.plan.digest and first.plan.digest == again.plan.digest
    again.require(first.plan.digest)
    again.require(None)
    again.require(None, first.digests)


def test_what_else_is_on_the_node_is_no_part_of_it() -> None:
    beside = PlannedApp(app="other", name="other", version="1.0", action=Action.REUSE)
    more = PLAN.model_copy(update={"apps": (*PLAN.apps, beside), "ports": {**PLAN.ports, "other/web": 80}})
    first = Proposal.of(PLAN, CATALOG, {}, "electrum")
    Proposal.of(more, CATALOG, {}, "electrum").require(first.plan.digest, first.digests)
    shown = concerning(more, "electrum")
    assert (shown.apps, shown.ports) == (PLAN.apps, PLAN.ports), "and it is not shown"
    with pytest.raises(NodeError, match="another one by now"):
        Proposal.of(PLAN.model_copy(update={"edges": ()}), CATALOG, {}, "electrum").require(
            first.plan.digest, first.digests
        )
    first.require(None, None)  # an operation that an earlier version started


def test_another_package_or_plan_is_another_digest() -> None:
    first = Proposal.of(PLAN, CATALOG, {}, "electrum")
    changed = replace(CATALOG["bitcoin"], files={**CATALOG["bitcoin"].files, "more": b""})
    reused = PLAN.apps[0].model_copy(update={"action": Action.REUSE})
    for plan, catalog in (
        (PLAN, {**CATALOG, "bitcoin": changed}),
        (PLAN.model_copy(update={"ports": {"bitcoin/p2p": 8334}}), CATALOG),
        (PLAN.model_copy(update={"edges": ()}), CATALOG),
        (PLAN.model_copy(update={"apps": (reused, PLAN.apps[1])}), CATALOG),
    ):
        other = Proposal.of(plan, catalog, {}, "electrum")
        with pytest.raises(NodeError, match="another one by now"):
            other.require(first.plan.digest)
    with pytest.raises(NodeError, match="bitcoin was changed in the catalog since"):
        Proposal.of(PLAN, {**CATALOG, "bitcoin": changed}, {}, "electrum").require(None, first.digests)
    with pytest.raises(NodeError, match="electrum is needed as well"):
        first.require(None, {"bitcoin": first.digests["bitcoin"]})
