"""An option that changes what an app reaches brings the providers that it then needs, and lets them go again."""

from dataclasses import replace
from typing import Any

import pytest

from archipelago.container.dependency_resolver.errors import ResolutionCode
from archipelago.container.dependency_resolver.plan import Action, InstalledApp, Plan, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.model.app import AppManifest, Egress
from support.app_manifests import app
from support.catalogs import catalog_of, install, names, provider, refused

OPTIONS = {"reach": {"type": "choice", "label": "Reach", "default": "direct", "choices": ["direct", "tor"]}}
VARIANT = {"when": {"reach": "tor"}, "egress": "tor", "requires": {"tor-socks": {"default": "tor"}}}
TOR = {"knots": {"reach": "tor"}}


def knots(**parts: Any) -> AppManifest:
    return app("knots", **{"options": OPTIONS, "egress": "direct", "variants": [VARIANT], **parts})


CATALOG = catalog_of(knots(), provider("tor", "tor-socks"), provider("arti", "tor-socks"))


def carried_out(plan: Plan, **options: dict[str, Any]) -> dict[str, InstalledApp]:
    """Return what is installed once a plan was carried out with options of the owner."""
    return {
        each.app: InstalledApp(CATALOG[each.app], options.get(each.app, {}), plan.choices(each.app))
        for each in plan.apps
    }


def test_an_installation_with_the_option_brings_what_it_needs_and_asks_for_no_more() -> None:
    plain = resolve(CATALOG, {}, Request(install=("knots",)))
    assert names(plain) == ["knots"] and plain.asks.egress == {"knots": Egress.DIRECT}
    hidden = resolve(CATALOG, {}, Request(install=("knots",), options=TOR))
    assert names(hidden) == ["tor", "knots"] and hidden.asks.egress == {"knots": Egress.TOR}
    assert hidden.asks.ratings["knots"].score == plain.asks.ratings["knots"].score + 1


def test_the_option_brings_tor_restarts_the_app_and_says_why() -> None:
    installed = install(CATALOG, "knots")
    plan = resolve(CATALOG, installed, Request(options=TOR))
    tor, app = plan.planned("tor"), plan.planned("knots")
    assert tor is not None and tor.action is Action.INSTALL and tor.because == ("knots needs tor-socks",)
    assert app is not None and app.action is Action.RESTART
    assert "it is restarted with reach = tor" in app.because
    assert "it is restarted as it takes tor-socks from tor" in app.because
    after = carried_out(plan, knots={"reach": "tor"})
    settled = resolve(CATALOG, after, Request())
    assert {each.action for each in settled.apps} == {Action.REUSE}, "nothing is left to do"
    assert settled.choices("knots") == {"tor-socks": "tor"}


def test_an_installed_provider_is_taken_before_the_default() -> None:
    installed = install(CATALOG, "knots", "arti")
    assert names(resolve(CATALOG, installed, Request(options=TOR))) == ["arti", "knots"]


def test_tor_stays_while_it_is_needed_and_may_go_once_the_option_is_set_back() -> None:
    after = carried_out(resolve(CATALOG, install(CATALOG, "knots"), Request(options=TOR)), knots={"reach": "tor"})
    error = refused(CATALOG, Request(remove=("tor",)), after)
    assert error.reason is ResolutionCode.STILL_NEEDED and error.data["dependents"] == ["knots"]
    both = resolve(CATALOG, after, Request(remove=("tor",), options={"knots": {"reach": "direct"}}))
    assert {each.app: each.action for each in both.apps} == {"knots": Action.RESTART, "tor": Action.REMOVE}
    back = resolve(CATALOG, after, Request(options={"knots": {"reach": "direct"}}))
    assert not back.edges and "it is restarted as it goes without tor-socks" in back.planned("knots").because  # type: ignore[union-attr]
    free = carried_out(back, knots={"reach": "direct"})
    assert resolve(CATALOG, free, Request(remove=("tor",))).planned("tor").action is Action.REMOVE  # type: ignore[union-attr]


def test_without_a_catalog_the_option_is_refused_where_nobody_provides_it() -> None:
    error = refused({"knots": CATALOG["knots"]}, Request(options=TOR), install(CATALOG, "knots"))
    assert error.reason is ResolutionCode.NO_PROVIDER and "tor-socks" in error.message


@pytest.mark.parametrize("options", [{}, {"reach": "tor"}])
def test_an_update_that_changes_nothing_is_none_whatever_the_option(options: dict[str, Any]) -> None:
    installed = carried_out(
        resolve(CATALOG, {}, Request(install=("knots",), options={"knots": options})), knots=options
    )
    plan = resolve(CATALOG, installed, Request(update=("knots",)))
    assert {each.action for each in plan.apps} == {Action.REUSE}


@pytest.mark.parametrize(
    ("parts", "warned"),
    [
        ({"variants": []}, True),
        ({"variants": [], "options": {}}, True),
        ({"variants": [{**VARIANT, "egress": "none"}]}, False),
        ({}, False),
    ],
    ids=["no variant", "no option", "less", "the same"],
)
def test_a_version_that_forgets_what_its_owner_chose_says_so(parts: dict[str, Any], warned: bool) -> None:
    hidden = resolve(CATALOG, {}, Request(install=("knots",), options=TOR))
    installed = carried_out(hidden, **TOR)
    newer = catalog_of(knots(version="2.0", **parts), provider("tor", "tor-socks"))
    plan = resolve(newer, installed, Request(update=("knots",)))
    text = "knots 2.0 reaches more than now: it reaches the internet, which learns this node's address"
    assert (text in plan.warnings) is warned
    assert not any("reaches more" in each for each in resolve(newer, installed, Request()).warnings)


def test_a_version_that_has_a_variant_for_the_options_of_its_owner_brings_what_that_needs() -> None:
    old = replace(install(CATALOG, "knots")["knots"], manifest=knots(variants=[]), options={"reach": "tor"})
    plan = resolve(CATALOG, {"knots": old}, Request(update=("knots",)))
    assert {each.app: each.action for each in plan.apps} == {"tor": Action.INSTALL, "knots": Action.UPDATE}
