"""Apps that are left as they are, because of what they use."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.desired.set_aside import unreadable, with_consumers
from archipelago.container.manifest.package import load_package
from archipelago.storage.records.apps import AppRecord, Desired
from support.checkout import APPS

TOR = load_package(APPS / "tor")
NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.frozensets(NAMES)), st.frozensets(NAMES))
def test_those_are_left_that_use_one_that_is_left_and_no_others(
    uses: dict[str, frozenset[str]], broken: frozenset[str]
) -> None:
    records = {
        app: AppRecord(
            app,
            replace(TOR, problem="broken") if app in broken else TOR,
            Desired.RUNNING,
            0,
            choices={f"interface-{provider}": provider for provider in providers},
        )
        for app, providers in uses.items()
    }
    roots = unreadable(records)
    assert roots.keys() == broken & uses.keys()
    aside = with_consumers(roots, records)
    for app, providers in uses.items():
        assert (app in aside) == (app in roots or not providers.isdisjoint(aside))
    assert all("broken" in problem for problem in aside.values())
