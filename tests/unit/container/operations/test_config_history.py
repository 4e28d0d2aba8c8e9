"""Configurations that an app has had: what is kept, what is different, and the way back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.operations.revisions import changes, find, way_back
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.revisions import Configuration
from archipelago.storage.stores.revisions import RevisionStore, append
from support.databases import new_database

KEYS = ("a", "b", "c")
OPTIONS = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.booleans(), st.integers(), st.text(max_size=3)))
CONFIGURATIONS = st.builds(
    Configuration,
    st.sampled_from([None, "1", "2"]),
    OPTIONS,
    st.dictionaries(st.sampled_from(["rpc", "socks"]), st.sampled_from(["knots", "core"])),
)


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_differences_are_all_and_nothing_else(before: Configuration, after: Configuration) -> None:
    found = {each.what: (each.before, each.after) for each in changes(before, after)}
    for key in KEYS:
        pair = (before.options.get(key), after.options.get(key))
        assert found.get(key) == (pair if pair[0] != pair[1] else None)
    assert ("version" in found) is (before.version != after.version)
    assert changes(before, before) == ()


@given(OPTIONS, CONFIGURATIONS)
def test_the_way_back_leads_there(now: dict[str, Scalar], target: Configuration) -> None:
    options, reset = way_back(now, target, dict.fromkeys(KEYS))
    assert {**{key: value for key, value in now.items() if key not in reset}, **options} == target.options


def test_options_that_are_no_more_are_left_out() -> None:
    target = Configuration("1", {"gone": 1, "a": 2}, {})
    assert way_back({"a": 1, "old": 3}, target, {"a": None}) == ({"a": 2}, ())


async def test_a_revision_is_kept_for_each_change_and_only_the_newest_ones(tmp_path: Path) -> None:
    database = await new_database(tmp_path / "state.db")
    store = RevisionStore(database)
    try:
        for number in (1, 1, 2, 2, 3):
            configuration = Configuration("1.0", {"n": number}, {})
            await database.run(lambda connection, given=configuration: append(connection, "app", given, "because"))
        assert [each.number for each in await store.history("app")] == [3, 2, 1]
        assert find(await store.history("app"), "app", 2).options == {"n": 2}
        for number in (0, 4):
            with pytest.raises(NodeError) as caught:
                find(await store.history("app"), "app", number)
            assert caught.value.code is ErrorCode.INVALID_VALUE

        def many(connection: object) -> None:
            for number in range(300):
                append(connection, "app", Configuration("1.0", {"n": -number}, {}), "because")  # type: ignore[arg-type]

        await database.run(many)
        found = await store.history("app")
        assert len(found) == 200 and found[0].number == 303 and found[-1].number == 104
        assert await store.history("other") == ()
    finally:
        await database.close()
