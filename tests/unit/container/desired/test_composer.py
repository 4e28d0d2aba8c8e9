"""The composer: plans are made for the host as it is now, and one app's fault is not that of another."""

from dataclasses import replace
from pathlib import Path

import pytest

from archipelago.catalog.local import LocalCatalog
from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.workload.templates.renderer import Renderer
from support.app_records import record
from support.checkout import APPS
from support.composers import FACTS, GIB, composer_in


async def test_an_app_whose_package_has_a_problem_is_no_matter_of_the_others(tmp_path: Path) -> None:
    composer = composer_in(tmp_path, Renderer().aside, lambda: 100 * GIB)
    offers = "provides: {notes: {container: main, port: 80}}"
    needs = "requires: {notes: {}}"
    offering = record(tmp_path / "apps", "offering", 0, "a", offers)
    records = {
        "offering": replace(offering, package=replace(offering.package, problem="it is of tomorrow")),
        "using": replace(record(tmp_path / "apps", "using", 1, "b", needs), choices={"notes": "offering"}),
        "other": record(tmp_path / "apps", "other", 2, "c"),
    }
    state = await composer.compose(records)
    assert {app: found.problem for app, found in state.apps.items() if found.problem} == {
        "offering": "it is of tomorrow"
    }
    assert state.apps["offering"].workload.containers == () and state.apps["using"].workload.containers

    # What it offers was in the part that is not read: whoever uses it is left as it is, too.
    manifest = offering.package.manifest.model_copy(update={"provides": {}})
    records["offering"] = replace(offering, package=replace(offering.package, manifest=manifest, problem="unknown"))
    state = await composer.compose(records)
    assert state.broken == {"offering", "using"} and state.apps["other"].workload.containers
    assert state.apps["using"].problem == "it uses offering, of which: unknown"
    whole = replace(offering.package, manifest=manifest)
    with pytest.raises(ResolutionError):
        await composer.compose({**records, "offering": replace(offering, package=whole)})


async def test_each_plan_looks_at_the_disk_anew_and_templates_do_not(tmp_path: Path) -> None:
    free = [100 * GIB, GIB, 100 * GIB]
    composer = composer_in(tmp_path, Renderer().aside, lambda: free.pop(0))
    catalog = await LocalCatalog(APPS).read()
    wanted = Request(install=("bitcoin-knots",))
    assert await composer.plan({}, wanted, catalog)
    with pytest.raises(ResolutionError) as refused:
        await composer.plan({}, wanted, catalog)
    assert refused.value.reason is ResolutionCode.HOST_TOO_SMALL
    assert "free disk" in refused.value.message
    assert await composer.plan({}, wanted, catalog)
    assert (free, composer.host) == ([], FACTS)
