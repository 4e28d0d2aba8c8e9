"""Each rule of the resolver, by example."""

import pytest

from archipelago.chains.chain import InterfaceRole
from archipelago.container.dependency_resolver.errors import ResolutionCode
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.plan import Action, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import Architecture
from archipelago.errors import ErrorCode
from support.app_manifests import app
from support.catalogs import ELECTRUMX, catalog_of, consumer, install, names, node, provider, provider_of, refused

GIB = 1024**3


def test_a_dependency_comes_along_first_and_says_why() -> None:
    plan = resolve(catalog_of(ELECTRUMX, node("knots")), {}, Request(install=("electrumx",)))
    assert names(plan) == ["knots", "electrumx"]
    knots, electrumx = plan.apps
    assert knots.because == ("electrumx needs bitcoin-rpc (>=25) with txindex = true",)
    assert electrumx.because == ("you asked for it",)
    assert knots.options == {"txindex": True, "prune": 0, "cache": 450}
    assert knots.option_origins == {"txindex": "demand by electrumx", "prune": "default", "cache": "default"}
    assert [one.action for one in plan.apps] == [Action.INSTALL, Action.INSTALL]


class TestPreference:
    catalog = catalog_of(ELECTRUMX, node("core"), node("knots"), node("aardvark"), consumer("specter"))

    def test_the_default_comes_before_the_first_by_name(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("electrumx",)))
        assert provider_of(plan, "electrumx") == "knots"
        assert plan.alternatives == {"bitcoin-rpc": ("aardvark", "core")}

    def test_without_a_default_the_first_by_name_is_taken(self) -> None:
        assert provider_of(resolve(self.catalog, {}, Request(install=("specter",))), "specter") == "aardvark"

    def test_what_comes_anyway_is_used(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("specter", "core")))
        assert names(plan) == ["core", "specter"]

    def test_two_new_apps_share_one_provider(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("specter", "electrumx")))
        assert len(plan.apps) == 3

    def test_a_role_is_said_and_another_one_restarts_the_provider(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("specter",)))
        assert plan.edges[0].role is InterfaceRole.READ
        installed = install(self.catalog, "core", "specter")
        wallet = self.catalog | {"specter": consumer("specter", required={"role": "wallet"}, version="2")}
        plan = resolve(wallet, installed, Request(update=("specter",)))
        provider = next(one for one in plan.apps if one.app == "core")
        assert "specter needs bitcoin-rpc, and may use its wallets" in provider.because
        assert "it is restarted as specter gets another role" in provider.because
        assert provider.action is Action.RESTART

    def test_what_is_installed_comes_before_the_default(self) -> None:
        plan = resolve(self.catalog, install(self.catalog, "core"), Request(install=("electrumx",)))
        assert names(plan) == ["core", "electrumx"]
        assert plan.apps[0].action is Action.RESTART
        assert "it is restarted with txindex = true" in plan.apps[0].because
        assert "it is restarted as electrumx gets a login" in plan.apps[0].because

    def test_the_owner_chooses_over_all(self) -> None:
        request = Request(install=("electrumx",), choices={"bitcoin-rpc": "aardvark"})
        plan = resolve(self.catalog, install(self.catalog, "core"), request)
        assert provider_of(plan, "electrumx") == "aardvark"
        provider = next(one for one in plan.apps if one.app == "aardvark")
        assert any("you chose it for bitcoin-rpc" in reason for reason in provider.because)

    def test_a_choice_binds_new_apps_only_and_leaves_the_installed_where_they_are(self) -> None:
        installed = install(self.catalog, "electrumx")
        plan = resolve(self.catalog, installed, Request(install=("specter",), choices={"bitcoin-rpc": "core"}))
        assert (provider_of(plan, "electrumx"), provider_of(plan, "specter")) == ("knots", "core")

    def test_a_choice_alone_rebinds(self) -> None:
        installed = install(self.catalog, "electrumx")
        plan = resolve(self.catalog, installed, Request(choices={"bitcoin-rpc": "core"}))
        assert provider_of(plan, "electrumx") == "core"
        electrumx = plan.planned("electrumx")
        assert electrumx is not None
        assert "it is restarted as it takes bitcoin-rpc from core" in electrumx.because

    def test_what_is_bound_stays_bound_when_a_better_one_arrives(self) -> None:
        installed = install(self.catalog, "specter")
        plan = resolve(self.catalog, installed, Request(install=("electrumx", "knots")))
        assert provider_of(plan, "specter") == "aardvark"

    def test_a_choice_that_nobody_uses_is_said(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("core",), choices={"bitcoin-rpc": "knots"}))
        assert plan.warnings == ("Nothing uses bitcoin-rpc of knots, which you chose",)


class TestVersions:
    @pytest.mark.parametrize(
        ("version", "wanted", "fits"),
        [
            ("29.0", ">=25,<31", True),
            ("31.0", ">=25,<31", False),
            ("31.0rc1", ">=25,<31", False),
            ("30.0rc1", ">=25", True),
            ("25.0rc1", ">=25", False),
            ("29.0", "", True),
        ],
    )
    def test_range(self, version: str, wanted: str, fits: bool) -> None:
        catalog = catalog_of(node("knots", version), consumer("electrumx", required={"version": wanted}))
        request = Request(install=("electrumx",))
        if fits:
            assert provider_of(resolve(catalog, {}, request), "electrumx") == "knots"
        else:
            error = refused(catalog, request)
            assert error.reason is ResolutionCode.VERSION_MISMATCH
            assert version in error.message
            assert wanted in error.message

    def test_a_provider_that_fits_is_found(self) -> None:
        catalog = catalog_of(node("knots", "20.0"), node("other", "26.0"), ELECTRUMX)
        assert provider_of(resolve(catalog, {}, Request(install=("electrumx",))), "electrumx") == "other"

    def test_an_installed_one_that_is_too_old_is_to_be_updated(self) -> None:
        installed = install(catalog_of(node("knots", "20.0")), "knots")
        catalog = catalog_of(node("knots", "29.0"), ELECTRUMX)
        error = refused(catalog, Request(install=("electrumx",)), installed)
        assert "Update knots" in error.hint
        plan = resolve(catalog, installed, Request(install=("electrumx",), update=("knots",)))
        assert [(one.app, one.action) for one in plan.apps] == [
            ("knots", Action.UPDATE),
            ("electrumx", Action.INSTALL),
        ]

    def test_an_update_that_breaks_a_dependent_is_refused(self) -> None:
        catalog = catalog_of(node("knots"), consumer("specter", required={"version": "<30"}))
        installed = install(catalog, "specter")
        error = refused({**catalog, "knots": node("knots", "30.0")}, Request(update=("knots",)), installed)
        assert error.reason is ResolutionCode.VERSION_MISMATCH
        assert "specter" in error.message

    def test_updating_to_the_same_changes_nothing(self) -> None:
        catalog = catalog_of(node("knots"))
        plan = resolve(catalog, install(catalog, "knots"), Request(update=("knots",)))
        assert plan.apps[0].action is Action.REUSE


class TestOptional:
    catalog = catalog_of(
        node("knots"), consumer("dash", required={"optional": True, "demands": {"txindex": True}}), ELECTRUMX
    )

    def test_pulls_nothing_in(self) -> None:
        assert names(resolve(self.catalog, {}, Request(install=("dash",)))) == ["dash"]

    def test_binds_to_what_comes(self) -> None:
        plan = resolve(self.catalog, {}, Request(install=("dash", "knots")))
        (edge,) = plan.edges
        assert (edge.provider, edge.optional, edge.gates) == ("knots", True, True)
        assert plan.apps[0].options["txindex"] is True
        assert names(plan) == ["knots", "dash"]

    def test_goes_without_rather_than_contradict(self) -> None:
        request = Request(install=("dash", "knots"), options={"knots": {"txindex": False}})
        plan = resolve(self.catalog, {}, request)
        assert plan.edges == ()
        assert "dash goes without bitcoin-rpc" in plan.warnings[0]

    def test_its_provider_may_be_removed(self) -> None:
        plan = resolve(self.catalog, install(self.catalog, "dash", "knots"), Request(remove=("knots",)))
        assert [(one.app, one.action) for one in plan.apps] == [
            ("dash", Action.RESTART),
            ("knots", Action.REMOVE),
        ]

    def test_breaks_a_cycle(self) -> None:
        catalog = catalog_of(
            provider("a", "x", requires={"y": {"optional": True}}), provider("b", "y", requires={"x": {}})
        )
        plan = resolve(catalog, {}, Request(install=("a", "b")))
        assert names(plan) == ["a", "b"]
        assert [(edge.consumer, edge.gates) for edge in plan.edges] == [("a", False), ("b", True)]


class TestExclusion:
    @pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
    def test_an_app_in_both_directions(self, order: tuple[str, str]) -> None:
        catalog = catalog_of(app("a", conflicts=[{"app": "b", "because": "Both are loud"}]), app("b"))
        installed = install(catalog, order[0])
        error = refused(catalog, Request(install=(order[1],)), installed)
        assert error.reason is ResolutionCode.CONFLICT
        assert error.message == "a cannot be on a node with b: Both are loud"
        assert f"Remove {order[0]} first" in error.hint

    @pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
    def test_an_interface_in_both_directions(self, order: tuple[str, str]) -> None:
        catalog = catalog_of(
            provider("a", "dns", conflicts=[{"interface": "dns", "because": "One resolver only"}]),
            provider("b", "dns"),
            provider("c", "dns"),
        )
        assert len(resolve(catalog, {}, Request(install=("b", "c"))).apps) == 2
        assert len(resolve(catalog, {}, Request(install=("a",))).apps) == 1
        error = refused(catalog, Request(install=(order[1],)), install(catalog, order[0]))
        assert error.reason is ResolutionCode.CONFLICT
        assert "b, which provides dns" in error.message

    def test_a_lease_is_held_once(self) -> None:
        catalog = catalog_of(app("lnd", leases=["keys"]), app("cln", leases=["keys"]))
        error = refused(catalog, Request(install=("lnd", "cln")))
        assert error.reason is ResolutionCode.LEASE_TAKEN
        assert error.data["apps"] == ["cln", "lnd"]

    def test_a_removal_in_the_same_step_frees_it(self) -> None:
        catalog = catalog_of(app("lnd", leases=["keys"]), app("cln", leases=["keys"]))
        plan = resolve(catalog, install(catalog, "cln"), Request(install=("lnd",), remove=("cln",)))
        assert names(plan) == ["lnd", "cln"]

    def test_another_provider_avoids_it(self) -> None:
        catalog = catalog_of(
            provider("p", "x", conflicts=[{"app": "other", "because": "No"}]),
            provider("q", "x"),
            app("other"),
            consumer("c", "x", {"default": "p"}),
        )
        plan = resolve(catalog, install(catalog, "other"), Request(install=("c",)))
        assert provider_of(plan, "c", "x") == "q"

    def test_a_conflict_deep_below_is_avoided(self) -> None:
        catalog = catalog_of(
            consumer("c", "x", {"default": "p"}),
            provider("p", "x", requires={"y": {}}),
            provider("deep", "y", leases=["keys"]),
            provider("q", "x"),
            app("holder", leases=["keys"]),
        )
        plan = resolve(catalog, {}, Request(install=("c", "holder")))
        assert names(plan) == ["holder", "q", "c"]

    def test_the_failure_that_matters_is_named(self) -> None:
        # The first descent stumbles over p and holder, which q would avoid; nobody provides z.
        catalog = catalog_of(
            consumer("c", "x", {"default": "p"}),
            provider("p", "x", leases=["keys"]),
            provider("q", "x"),
            app("holder", leases=["keys"]),
            consumer("y", "z"),
        )
        error = refused(catalog, Request(install=("c", "holder", "y")))
        assert error.reason is ResolutionCode.NO_PROVIDER
        assert error.message.startswith("y needs z")


class TestCycles:
    def test_is_named_in_full(self) -> None:
        catalog = catalog_of(
            provider("a", "x", requires={"y": {}}),
            provider("b", "y", requires={"z": {}}),
            provider("c", "z", requires={"x": {}}),
        )
        error = refused(catalog, Request(install=("b",)))
        assert error.reason is ResolutionCode.CYCLE
        assert error.data["cycle"] == ["a", "b", "c", "a"]
        assert "a → b → c → a" in error.message

    def test_of_one(self) -> None:
        error = refused(catalog_of(provider("a", "x", requires={"x": {}})), Request(install=("a",)))
        assert error.reason is ResolutionCode.CYCLE
        assert "a → a" in error.message

    def test_another_provider_avoids_it(self) -> None:
        catalog = catalog_of(
            provider("a", "x", requires={"y": {"default": "b"}}),
            provider("b", "y", requires={"x": {}}),
            provider("z", "y"),
        )
        plan = resolve(catalog, {}, Request(install=("a",)))
        assert names(plan) == ["z", "a"]

    def test_a_cycle_below_is_avoided_higher_up(self) -> None:
        catalog = catalog_of(
            consumer("top", "x", {"default": "p"}),
            provider("p", "x", requires={"y": {}}),
            provider("b", "y", requires={"z": {}}),
            provider("c", "z", requires={"y": {}}),
            provider("q", "x"),
        )
        assert names(resolve(catalog, {}, Request(install=("top",)))) == ["q", "top"]


class TestHost:
    host = HostFacts(Architecture.ARM64, memory=4 * GIB, cores=4, free_disk=100 * GIB)

    def test_architecture(self) -> None:
        catalog = catalog_of(app("a", architectures=["amd64"]))
        error = refused(catalog, Request(install=("a",)), host=self.host)
        assert error.reason is ResolutionCode.ARCHITECTURE
        assert error.message == "a runs on amd64, and this host is arm64"

    def test_another_provider_runs_here(self) -> None:
        catalog = catalog_of(
            provider("p", "x", architectures=["amd64"]), provider("q", "x"), consumer("c", "x", {"default": "p"})
        )
        assert names(resolve(catalog, {}, Request(install=("c",)), self.host)) == ["q", "c"]

    @pytest.mark.parametrize(("what", "size"), [("memory", "8GiB"), ("disk", "700GiB")])
    def test_too_small(self, what: str, size: str) -> None:
        error = refused(catalog_of(app("a", host={what: size})), Request(install=("a",)), host=self.host)
        assert error.reason is ResolutionCode.HOST_TOO_SMALL
        assert "this host has" in error.message

    def test_too_small_for_all_together(self) -> None:
        catalog = catalog_of(app("a", host={"disk": "60GiB"}), app("b", host={"disk": "60GiB"}))
        assert resolve(catalog, {}, Request(install=("a",)), self.host)
        error = refused(catalog, Request(install=("a", "b")), host=self.host)
        assert error.reason is ResolutionCode.HOST_TOO_SMALL

    def test_what_is_installed_is_warned_of_and_keeps_running(self) -> None:
        installed = {"a": InstalledApp(app("a", host={"memory": "8GiB", "disk": "700GiB"}))}
        plan = resolve({}, installed, Request(), self.host)
        assert plan.warnings == ("a needs 8.0 GiB of memory, and this host has 4.0 GiB",)

    def test_memory_limits_that_do_not_fit_are_a_warning(self) -> None:
        containers = {"main": {"image": f"x/y@sha256:{'0' * 64}", "resources": {"memory": "5GiB"}}}
        plan = resolve(catalog_of(app("a", containers=containers)), {}, Request(install=("a",)), self.host)
        assert "GiB of memory more than this host has: A 5.0 GiB" in plan.warnings[0]
        assert plan.asks.memory == 5 * GIB


class TestRemoval:
    catalog = catalog_of(node("knots"), node("core"), ELECTRUMX, consumer("specter"))

    def test_of_what_others_need_is_refused(self) -> None:
        installed = install(self.catalog, "electrumx", "specter")
        error = refused(self.catalog, Request(remove=("knots",)), installed)
        assert error.reason is ResolutionCode.STILL_NEEDED
        assert error.code is ErrorCode.STILL_NEEDED
        assert error.message == "knots is still needed by electrumx, specter"
        assert error.data["dependents"] == ["electrumx", "specter"]

    def test_with_its_dependents_goes_dependents_first(self) -> None:
        installed = install(self.catalog, "electrumx")
        plan = resolve(self.catalog, installed, Request(remove=("knots", "electrumx")))
        assert names(plan) == ["electrumx", "knots"]

    def test_with_another_choice_rebinds(self) -> None:
        installed = install(self.catalog, "electrumx")
        plan = resolve(
            self.catalog, installed, Request(install=("core",), remove=("knots",), choices={"bitcoin-rpc": "core"})
        )
        assert names(plan) == ["core", "electrumx", "knots"]

    def test_of_what_is_not_there(self) -> None:
        error = refused(self.catalog, Request(remove=("knotz",)), install(self.catalog, "knots"))
        assert error.code is ErrorCode.NOT_INSTALLED
        assert error.data["nearest"] == ["knots"]


class TestRequests:
    def test_an_unknown_app_names_the_nearest(self) -> None:
        error = refused(catalog_of(node("knots"), ELECTRUMX), Request(install=("electrum",)))
        assert error.reason is ResolutionCode.UNKNOWN_APP
        assert error.hint == "Did you mean electrumx?"

    def test_nobody_provides_it(self) -> None:
        error = refused(catalog_of(ELECTRUMX), Request(install=("electrumx",)))
        assert error.reason is ResolutionCode.NO_PROVIDER
        assert error.message == "electrumx needs bitcoin-rpc >=25 with txindex = true, which no known app provides"

    def test_install_and_remove_in_one(self) -> None:
        catalog = catalog_of(node("knots"))
        error = refused(catalog, Request(install=("knots",), remove=("knots",)), install(catalog, "knots"))
        assert error.reason is ResolutionCode.BAD_REQUEST

    def test_a_choice_that_does_not_provide_it(self) -> None:
        catalog = catalog_of(node("knots"), ELECTRUMX, app("a"))
        error = refused(catalog, Request(install=("electrumx",), choices={"bitcoin-rpc": "a"}))
        assert error.reason is ResolutionCode.BAD_REQUEST

    def test_nothing_from_nothing(self) -> None:
        assert resolve({}, {}, Request()) == Plan()

    def test_an_installed_app_outlives_the_catalog(self) -> None:
        catalog = catalog_of(node("knots"), ELECTRUMX)
        installed = install(catalog, "electrumx")
        plan = resolve({}, installed, Request())
        assert [one.action for one in plan.apps] == [Action.REUSE, Action.REUSE]
        assert refused({}, Request(update=("knots",)), installed).reason is ResolutionCode.UNKNOWN_APP
