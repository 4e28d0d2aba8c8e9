"""The pure rules of snapshots: by which method, which go by themselves, and which rename comes next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.data.snapshots.methods import (
    RESERVE,
    Candidate,
    CopyMethod,
    CopyPlan,
    LeftOut,
    plan_copies,
)
from archipelago.container.data.snapshots.retention import Aged, expired
from archipelago.container.data.snapshots.swap import MoveAside, TwiceError, VolumePlaces, next_move
from archipelago.container.namespace.found import Survey
from archipelago.errors import NodeError
from archipelago.storage.records.snapshots import SnapshotKind

NAMES = st.sampled_from(["a", "b", "c", "d"])
SURVEYS = st.builds(
    Survey,
    bytes=st.integers(0, 10**12),
    complete=st.booleans(),
    subvolume=st.booleans(),
    mounted=st.booleans(),
    other=st.sampled_from(["", "x"]),
)
CANDIDATES = st.dictionaries(NAMES, st.tuples(SURVEYS, st.booleans())).map(
    lambda found: [Candidate(name, survey, rebuildable) for name, (survey, rebuildable) in found.items()]
)


# --- methods ----------------------------------------------------------------------------------------------------------


@given(
    candidates=CANDIDATES, never=st.sets(st.sampled_from(["n", "m"])), clones=st.booleans(), free=st.integers(0, 10**12)
)
def test_every_volume_is_copied_or_left_out_with_a_reason(
    candidates: list[Candidate], never: set[str], clones: bool, free: int
) -> None:
    plan = plan_copies(candidates, never, clones=clones, free=free)
    assert plan.methods.keys() | plan.left_out.keys() == {each.name for each in candidates} | never
    assert not plan.methods.keys() & plan.left_out.keys()
    assert all(plan.left_out[name] is LeftOut.NEVER_RESTORE for name in never)
    for each in candidates:
        ways = plan.methods.get(each.name, ())
        assert list(ways) == sorted(ways, key=list(CopyMethod).index), "the best first"
        assert not (each.rebuildable and CopyMethod.COPY in ways)
        if not each.rebuildable and each.survey.complete and not each.survey.mounted and not each.survey.other:
            assert ways[-1] is CopyMethod.COPY, "something always works"
        if each.survey.mounted or each.survey.other or not each.survey.complete:
            assert not plan.leads_back, "what is not copied cannot come back"
    plain = [each for each in candidates if plan.methods.get(each.name, (None,))[0] is CopyMethod.COPY]
    assert plan.bytes == sum(each.survey.bytes for each in plain)
    assert bool(plan.remarks("app")) == bool(plan.bytes) or not plan.leads_back or plan.left_out


@given(size=st.integers(0, 10**12), free=st.integers(0, 10**12))
def test_a_copy_that_does_not_fit_is_refused_by_what_is_missing(size: int, free: int) -> None:
    plan = CopyPlan({"a": (CopyMethod.COPY,)}, bytes=size, free=free)
    assert plan.missing == (max(0, size + RESERVE - free) if size else 0)
    if not plan.missing:
        plan.require_room("app")
        return
    with pytest.raises(NodeError) as refused:
        plan.require_room("app")
    assert refused.value.data["missing"] == plan.missing


# --- retention --------------------------------------------------------------------------------------------------------

START = datetime(2026, 1, 1, tzinfo=UTC)
AGED = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 90), st.sampled_from(SnapshotKind)),
    max_size=60,
    unique_by=lambda each: each[0],
).map(lambda found: [Aged(f"{minute:06}", START + timedelta(minutes=minute), kind) for minute, kind in found])


@given(snapshots=AGED)
def test_what_retention_never_deletes(snapshots: list[Aged]) -> None:
    gone = set(expired(snapshots))
    left = [each for each in snapshots if each.name not in gone]
    for each in snapshots:
        if each.kind is SnapshotKind.MANUAL or each.kind.is_moved:
            assert each in left
    for kind in SnapshotKind:
        newest = max((each for each in snapshots if each.kind is kind), key=lambda each: each.at, default=None)
        if newest is not None:
            assert newest in left, kind
    assert sum(each.kind is SnapshotKind.BEFORE_UPDATE for each in left) <= 1
    assert set(expired(left)) == set(), "a second look deletes nothing more"


# --- renames ----------------------------------------------------------------------------------------------------------

VOLUMES = st.frozensets(NAMES)


@given(wanted=VOLUMES, used=VOLUMES, untouched=VOLUMES)
def test_whatever_is_cut_off_the_renames_end_with_the_snapshot_in_use_and_all_else_aside(
    wanted: frozenset[str], used: frozenset[str], untouched: frozenset[str]
) -> None:
    untouched -= wanted
    # What is in each place, by name: the state is on the disk alone, so a crash between two renames changes nothing.
    places = {"used": dict.fromkeys(used, "new"), "aside": {}, "source": dict.fromkeys(wanted, "old")}
    for _ in range(20):
        move = next_move(wanted, untouched, VolumePlaces(*({*places[each]} for each in ("used", "aside", "source"))))
        if move is None:
            break
        source, target = ("used", "aside") if isinstance(move, MoveAside) else ("source", "used")
        assert move.volume not in places[target], "nothing is overwritten"
        places[target][move.volume] = places[source].pop(move.volume)
    assert places["source"] == {}
    stays = dict.fromkeys(used & untouched, "new")
    assert places["used"] == dict.fromkeys(wanted, "old") | stays
    assert places["aside"] == dict.fromkeys(used - untouched, "new")


def test_a_volume_that_came_into_being_meanwhile_is_overwritten_by_nothing() -> None:
    with pytest.raises(TwiceError):
        next_move({"a"}, set(), VolumePlaces(used={"a"}, aside={"a"}, source={"a"}))
