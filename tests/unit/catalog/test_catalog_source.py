"""Several catalogs as one: the first that has an app counts."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.catalog.source import Catalog, Origin, merged
from archipelago.errors import ErrorCode, NodeError

NAMES = st.sampled_from(["anchor", "buoy", "crane", "dock"])


@st.composite
def catalogs(draw: st.DrawFn) -> list[Catalog]:
    """Return catalogs whose packages and problems say of which source they are."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        apps: dict[str, bool] = draw(st.dictionaries(NAMES, st.booleans()))
        packages: Any = {app: SimpleNamespace(id=app, source=number) for app, right in apps.items() if right}
        problems = {app: f"wrong in {number}" for app, right in apps.items() if not right}
        found.append(Catalog(packages, problems, {app: Origin(str(number), app) for app in apps}))
    return found


@given(catalogs())
def test_the_first_catalog_that_has_an_app_counts(sources: list[Catalog]) -> None:
    whole = merged(sources)
    every = {app for source in sources for app in source.origins}
    assert whole.origins.keys() == every and not whole.packages.keys() & whole.problems.keys()
    for app in every:
        first = next(source for source in sources if app in source.origins)
        assert whole.origins[app] == first.origins[app]
        assert whole.packages.get(app) is first.packages.get(app)
        assert whole.problems.get(app) == first.problems.get(app)


@given(catalogs(), st.integers(0, 4))
def test_catalogs_can_be_merged_in_parts(sources: list[Catalog], cut: int) -> None:
    assert merged([merged(sources[:cut]), merged(sources[cut:])]) == merged(sources)


def test_an_app_that_is_wrong_in_the_first_source_is_not_taken_from_the_next() -> None:
    first = Catalog(problems={"anchor": "line 3"}, origins={"anchor": Origin("local", "here")})
    package: Any = SimpleNamespace(id="anchor")
    second = Catalog({"anchor": package}, origins={"anchor": Origin("remote", "there")})
    with pytest.raises(NodeError) as wrong:
        merged([first, second]).package("anchor")
    assert wrong.value.code is ErrorCode.INVALID_MANIFEST and "line 3" in wrong.value.message
    assert merged([second, first]).package("anchor") is package
