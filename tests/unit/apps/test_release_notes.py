"""Each app of the catalog says what is new in its version, and an owner reads it before he agrees to an update."""

import pytest

from archipelago.container.dependency_resolver.plan import Action, InstalledApp, Request
from archipelago.container.dependency_resolver.resolver import resolve
from archipelago.container.manifest.package import load_package
from support.checkout import APPS

NAMES = sorted(path.parent.name for path in APPS.glob("*/manifest.yml"))
CATALOG = {name: load_package(APPS / name).manifest for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_new_is_in_the_plan_of_an_update(name: str) -> None:
    offered = CATALOG[name]
    assert offered.release_notes and len(offered.release_notes) < 1000, "what an owner reads before he agrees"
    plan = resolve(CATALOG, {}, Request(install=(name,)))
    installed = {each.app: InstalledApp(CATALOG[each.app], options=each.options) for each in plan.apps}
    installed[name] = InstalledApp(offered.model_copy(update={"version": "0.0.1", "release_notes": "It was new."}))
    planned = {each.app: each for each in resolve(CATALOG, installed, Request(update=(name,))).apps}
    assert planned[name].action is Action.UPDATE and planned[name].release_notes == offered.release_notes
