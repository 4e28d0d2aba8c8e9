"""What apps demand of the options of their providers, and what owners set, by example."""

from typing import Any

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionCode
from archipelago.container.dependency_resolver.plan import Action, InstalledApp, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.errors import ErrorCode
from support.app_manifests import app
from support.catalogs import ELECTRUMX, OPTIONS, RULES, catalog_of, consumer, install, node, provider_of, refused


class TestDemands:
    def test_two_that_contradict_name_both(self) -> None:
        catalog = catalog_of(
            node("knots"),
            consumer("a", required={"demands": {"txindex": True}}),
            consumer("b", required={"demands": {"txindex": False}}),
        )
        error = refused(catalog, Request(install=("a", "b")))
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert error.message == "b needs txindex = false of knots, but a needs txindex = true"
        assert error.data["wanted"] == {"a": True, "b": False}

    def test_two_that_contradict_get_a_provider_each(self) -> None:
        catalog = catalog_of(
            node("core"),
            node("knots"),
            consumer("a", required={"demands": {"txindex": True}}),
            consumer("b", required={"demands": {"txindex": False}}),
        )
        plan = resolve(catalog, {}, Request(install=("a", "b")))
        assert {provider_of(plan, "a"), provider_of(plan, "b")} == {"core", "knots"}

    def test_a_demand_against_the_owner_is_refused(self) -> None:
        catalog = catalog_of(node("knots"), ELECTRUMX)
        installed = {"knots": InstalledApp(node("knots"), {"txindex": False})}
        error = refused(catalog, Request(install=("electrumx",)), installed)
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "you set txindex = false" in error.message
        assert "Set txindex = true on knots" in error.hint

    def test_another_provider_is_tried_and_the_owner_told(self) -> None:
        catalog = catalog_of(node("knots"), node("core"), ELECTRUMX)
        installed = {"knots": InstalledApp(node("knots"), {"prune": 550})}
        plan = resolve(catalog, installed, Request(install=("electrumx",)))
        assert provider_of(plan, "electrumx") == "core"
        assert any("not knots" in warning and "pruned chain" in warning for warning in plan.warnings)

    def test_unless_it_is_bound(self) -> None:
        catalog = catalog_of(node("knots"), node("core"), ELECTRUMX)
        installed = install(catalog, "electrumx")
        error = refused(catalog, Request(options={"knots": {"txindex": False}}), installed)
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "electrumx" in error.message

    def test_an_option_that_is_not_accepted_is_refused(self) -> None:
        catalog = catalog_of(node("knots", accepts=("prune",)), ELECTRUMX)
        error = refused(catalog, Request(install=("electrumx",)))
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "txindex" in error.message

    def test_a_value_that_the_option_cannot_take_is_refused(self) -> None:
        catalog = catalog_of(node("knots"), consumer("a", required={"demands": {"prune": -1}}))
        error = refused(catalog, Request(install=("a",)))
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "a needs prune = -1 of knots" in error.message

    def test_prune_against_txindex(self) -> None:
        catalog = catalog_of(node("knots"), ELECTRUMX)
        installed = {"knots": InstalledApp(node("knots"), {"prune": 550})}
        error = refused(catalog, Request(install=("electrumx",)), installed)
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "txindex = true (needed by electrumx)" in error.message
        assert "prune = 550 (set by you)" in error.message
        assert "Change prune of knots" in error.hint

    def test_a_rule_across_two_dependents(self) -> None:
        catalog = catalog_of(
            node("knots"),
            consumer("a", required={"demands": {"txindex": True}}),
            consumer("b", required={"demands": {"prune": 550}}),
        )
        error = refused(catalog, Request(install=("a", "b")))
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "needed by a" in error.message
        assert "needed by b" in error.message

    def test_the_owner_breaking_a_rule_alone(self) -> None:
        request = Request(install=("knots",), options={"knots": {"txindex": True, "prune": 550}})
        error = refused(catalog_of(node("knots")), request)
        assert error.code is ErrorCode.INVALID_OPTION

    def test_a_demand_ends_with_its_app(self) -> None:
        catalog = catalog_of(node("knots"), ELECTRUMX)
        plan = resolve(catalog, install(catalog, "electrumx"), Request(remove=("electrumx",)))
        assert [(one.app, one.action) for one in plan.apps] == [
            ("knots", Action.RESTART),
            ("electrumx", Action.REMOVE),
        ]
        assert plan.apps[0].options["txindex"] is False


class TestDemandsOfSeveral:
    """An option whose default does not go with a demand, and another app that demands what does."""

    catalog = catalog_of(
        app(
            "core",
            options={**OPTIONS, "prune": {**OPTIONS["prune"], "default": 550}},
            rules=RULES,
            provides={"bitcoin-rpc": {"container": "main", "port": 1, "accepts": ["txindex", "prune"]}},
        ),
        consumer("indexer", required={"demands": {"txindex": True}}),
        consumer("archive", required={"demands": {"prune": 0}}),
    )

    def test_alone_it_does_not_go(self) -> None:
        error = refused(self.catalog, Request(install=("indexer",)))
        assert error.reason is ResolutionCode.DEMAND_CONFLICT
        assert "txindex = true (needed by indexer) and prune = 550 (the default) do not go together" in error.message

    def test_together_they_do(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("indexer", "archive")))
        assert next(one for one in plan.apps if one.app == "core").options == {
            "txindex": True,
            "prune": 0,
            "cache": 450,
        }


class TestOptions:
    def test_the_owner_sets_one(self) -> None:
        plan = resolve(catalog_of(node("knots")), {}, Request(install=("knots",), options={"knots": {"cache": 1000}}))
        assert plan.apps[0].options["cache"] == 1000
        assert plan.apps[0].option_origins["cache"] == "owner"

    @pytest.mark.parametrize("value", [True, "many", 1.5])
    def test_a_wrong_value_is_refused(self, value: Any) -> None:
        error = refused(catalog_of(node("knots")), Request(install=("knots",), options={"knots": {"cache": value}}))
        assert error.code is ErrorCode.INVALID_OPTION

    def test_an_unknown_one_names_the_nearest(self) -> None:
        error = refused(catalog_of(node("knots")), Request(install=("knots",), options={"knots": {"cach": 1}}))
        assert error.hint == "Did you mean 'cache'?"

    def test_of_an_app_that_is_not_there(self) -> None:
        catalog = catalog_of(node("knots"), node("core"))
        error = refused(catalog, Request(install=("knots",), options={"core": {"cache": 1}}))
        assert error.code is ErrorCode.NOT_INSTALLED

    def test_one_that_an_update_dropped_is_void_and_said(self) -> None:
        catalog = catalog_of(app("a", version="2.0"))
        installed = {"a": InstalledApp(app("a", options={"old": OPTIONS["cache"]}), {"old": 3})}
        plan = resolve(catalog, installed, Request(update=("a",)))
        assert plan.apps[0].options == {}
        assert plan.warnings == ("a 2.0 has no option old any longer",)
