"""Who may run state of which an older copy loses money: the rules, and what the keeper stores of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archipelago.backups.lease_tags import claim_tags, claims_of
from archipelago.container.data.channel_lease import LeaseVerdict, claim, evidence, judge, may_run
from archipelago.container.data.kept import Keepsake, KeptStore
from archipelago.container.data.lease_keeper import LeaseKeeper, StateContested, read_lease, write_lease
from archipelago.container.data.machine import machine_marks
from archipelago.container.namespace.client import Namespace
from archipelago.container.namespace.found import Found
from archipelago.container.workload.workload import VolumeDirectory, Workload
from archipelago.errors import NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.leases import BoundLease, Claim, ClaimLedger, LeaseSeen
from archipelago.storage.records.volumes import Mark
from archipelago.storage.stores.leases import LeaseLedgers, ledger_from_json, ledger_to_json
from support.app_records import record_of
from support.databases import new_database
from support.fund_disks import LIGHTNING

HERE, THERE = Mark(1, None), Mark(2, None)
MACHINE, OTHER = frozenset({"m1", "m2"}), frozenset({"m3"})
RECORD = record_of(LIGHTNING[0])

CLAIMS = st.builds(Claim, st.sampled_from(["s1", "s2", "s3"]), st.integers(1, 5), st.sampled_from(["a", "b"]))
LEDGERS = st.builds(
    ClaimLedger,
    st.dictionaries(st.sampled_from(["s1", "s2", "s3"]), CLAIMS).map(
        lambda found: frozenset(replace(each, state=state) for state, each in found.items())
    ),
    st.none() | CLAIMS,
    st.frozensets(st.sampled_from(["s1", "s2"])),
    st.frozensets(CLAIMS, max_size=3),
    st.frozensets(CLAIMS, max_size=3),
)
BESIDE = st.none() | st.builds(BoundLease, CLAIMS, st.sampled_from([HERE, THERE]), st.sampled_from([MACHINE, OTHER]))
SEEN = st.builds(LeaseSeen, st.booleans(), st.just(HERE), st.just(MACHINE), BESIDE, LEDGERS)

CUT_OFF = Claim("s1", 1, "b")


def first(state: str = "s1", nonce: str = "a") -> LeaseSeen:
    """Return what is seen of a state that was claimed once, and has data by now."""
    steps = claim(LeaseSeen(True, HERE, MACHINE, None), state, nonce)
    return LeaseSeen(False, HERE, MACHINE, steps.beside, steps.last)


@given(SEEN, st.booleans())
@example(LeaseSeen(True, HERE, MACHINE, None, ClaimLedger(pending=CUT_OFF, sighted=frozenset({CUT_OFF}))), False)
def test_what_was_allowed_may_go_on_after_a_crash_at_any_step_and_nothing_else_may(
    seen: LeaseSeen, grant: bool
) -> None:
    if grant:
        seen = replace(seen, ledger=replace(seen.ledger, granted=evidence(seen)))
    assert may_run(seen) is (grant or judge(seen).allows)
    if not may_run(seen):
        return
    steps = claim(seen, "new", "n")
    made = steps.beside.claim
    known = {*seen.ledger.claims, *seen.ledger.sighted, *([seen.beside.claim] if seen.beside is not None else [])}
    assert all(made.epoch > each.epoch for each in known), "it is newer than all that is known"
    done = replace(seen, empty=False, beside=steps.beside, ledger=steps.last)
    assert judge(done) is LeaseVerdict.OURS
    if judge(seen).allows:
        assert judge(replace(seen, ledger=steps.first)).allows, "the power went after the first step"
        assert judge(replace(done, ledger=steps.first)) is LeaseVerdict.OURS, "and after the second"


@given(SEEN)
def test_a_ledger_outlives_its_row_and_a_claim_its_tag(seen: LeaseSeen) -> None:
    assert ledger_from_json(ledger_to_json(seen.ledger)) == seen.ledger
    for each in seen.ledger.sighted:
        assert claims_of(claim_tags({"channels.main": each}).items()) == {"channels.main": {each}}


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_tag_that_somebody_made_up_is_no_error(tag: str, text: str) -> None:
    claims_of([(tag, text), (f"lease.{tag}", text), ("lease.x", f"{text}.1.n")])


@given(st.lists(CLAIMS), st.lists(CLAIMS))
def test_what_was_sighted_is_never_forgotten_for_something_older(before: list[Claim], after: list[Claim]) -> None:
    ledger = ClaimLedger().with_sighted(before).with_sighted(after)
    for state in {each.state for each in (*before, *after)}:
        newest = max(each.epoch for each in (*before, *after) if each.state == state)
        expected = {each for each in (*before, *after) if each.state == state and each.epoch == newest}
        assert {each for each in ledger.sighted if each.state == state} == expected


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, LeaseVerdict.OURS),
        ({"machine": OTHER}, LeaseVerdict.MACHINE),
        ({"machine": frozenset({"m2", "new card"})}, LeaseVerdict.OURS),
        ({"machine": frozenset()}, LeaseVerdict.OURS),
        ({"directory": THERE}, LeaseVerdict.COPIED),
        ({"beside": None}, LeaseVerdict.UNKNOWN),
        ({"ledger": ClaimLedger()}, LeaseVerdict.FOREIGN),
        ({"empty": True}, LeaseVerdict.EMPTIED),
    ],
)
def test_each_sign_of_a_copy_has_its_verdict(change: dict[str, object], verdict: LeaseVerdict) -> None:
    once = first()
    steps = claim(once, "new", "b")
    seen = replace(once, beside=steps.beside, ledger=steps.last)
    assert judge(replace(seen, **change)) is verdict


def test_a_claim_that_is_newer_at_a_target_stops_the_older_one_and_of_two_at_once_both() -> None:
    original = first()
    twin, mine = claim(original, "new", "twin"), claim(original, "new", "mine")
    running = replace(
        original, beside=mine.beside, ledger=mine.last.with_sighted([twin.last.own("s1") or mine.beside.claim])
    )
    assert judge(running) is LeaseVerdict.OLDER, "both have claimed the same turn"
    later = claim(replace(original, beside=twin.beside, ledger=twin.last), "new", "later").beside.claim
    assert judge(replace(running, ledger=mine.last.with_sighted([later]))) is LeaseVerdict.OLDER
    assert judge(replace(running, ledger=mine.last.with_sighted([original.beside.claim]))) is LeaseVerdict.OURS  # type: ignore[union-attr]


def test_a_node_from_the_same_words_asks_and_the_first_one_asks_from_then_on() -> None:
    original = first()
    bare = LeaseSeen(True, THERE, OTHER, None, ClaimLedger().with_sighted(original.ledger.claims))
    assert judge(bare) is LeaseVerdict.ELSEWHERE and not may_run(bare)
    allowed = replace(bare, ledger=replace(bare.ledger, granted=evidence(bare)))
    steps = claim(allowed, "s2", "b")
    after = replace(allowed, empty=False, beside=steps.beside, ledger=steps.last)
    assert judge(after) is LeaseVerdict.OURS
    assert judge(replace(original, ledger=original.ledger.with_sighted(steps.last.claims))) is LeaseVerdict.ELSEWHERE
    other = replace(allowed, ledger=allowed.ledger.with_sighted([Claim("s3", 9, "c")]))
    assert not may_run(other), "what was allowed is what was seen"


# --- the keeper -------------------------------------------------------------------------------------------------------


@dataclass
class Volumes:
    """The agent: what is in the place of each volume, and renames."""

    found: dict[str, Found] = field(default_factory=dict)

    async def look(self, path: str, uid: int, gid: int, ids: int, *, divided: bool = False) -> Found | None:
        return self.found.get(Path(path).name)

    async def rename(self, path: str, to: str) -> None:
        Path(path).rename(to)

    async def remove(self, path: str) -> None: ...


@pytest.fixture
async def ledgers(tmp_path: Path) -> AsyncIterator[LeaseLedgers]:
    database = await new_database(tmp_path / "state.db")
    yield LeaseLedgers(database)
    await database.close()


def keeper(tmp_path: Path, ledgers: LeaseLedgers, volumes: Volumes) -> LeaseKeeper:
    layout = Layout(tmp_path, tmp_path)
    layout.app("node").volume("channels").mkdir(parents=True, exist_ok=True)
    return LeaseKeeper(layout, cast(Namespace, volumes), ledgers, lambda: MACHINE)


def workload(tmp_path: Path) -> Workload:
    path = str(tmp_path / "apps/node/volumes/channels")
    return cast(Workload, SimpleNamespace(app="node", volumes=(VolumeDirectory(path, 1, 1),)))


async def test_a_start_claims_the_state_and_another_claim_stops_the_app_until_its_owner_allows_it(
    tmp_path: Path, ledgers: LeaseLedgers
) -> None:
    volumes, told, changes = Volumes({"channels": Found(HERE, True, False)}), [], []
    found, work = keeper(tmp_path, ledgers, volumes), workload(tmp_path)
    found.claimed, found.changed = told.append, lambda: changes.append(dict(found.stopping))
    found.runs = lambda app: app == "node"
    await found.hold(work, RECORD)
    volumes.found["channels"] = Found(HERE, False, False)
    await found.hold(work, RECORD)
    path = tmp_path / "apps/node/leases/channels.json"
    bound = read_lease(path)
    assert bound is not None and bound.claim.epoch == 2 and told == ["node", "node"]
    assert path.stat().st_mode & 0o77 == 0
    twin = replace(bound.claim, epoch=3, nonce="twin")
    assert not await found.observe(work, RECORD, {"channels": [twin]})
    assert "older one loses money" in changes[0]["node"] and changes[1:] == [{}], "it is stopped, and not for ever"
    assert await found.advance(work, RECORD) == {}, "no target hears of what does not count"
    with pytest.raises(StateContested, match="newer one"):
        await found.hold(work, RECORD)
    (contest,) = await found.report(work, RECORD)
    assert "data claim node" in contest.remedy("node")
    with pytest.raises(NodeError, match="is not what was agreed to"):
        await found.grant(work, RECORD, ["something else"])
    await found.grant(work, RECORD, [contest.evidence])
    await found.hold(work, RECORD)
    assert (await found.advance(work, RECORD))["channels"].epoch == 5
    volumes.found["channels"] = Found(THERE, False, False)
    with pytest.raises(StateContested, match="may be a copy"):
        await found.hold(work, RECORD)


async def test_a_lease_stays_with_data_that_outlives_its_app(tmp_path: Path, ledgers: LeaseLedgers) -> None:
    volumes = Volumes({"channels": Found(HERE, True, False)})
    found, work = keeper(tmp_path, ledgers, volumes), workload(tmp_path)
    await found.hold(work, RECORD)
    volumes.found["channels"] = Found(HERE, False, False)
    folder = found.layout.app("node")
    (folder.streams / "proof").mkdir(parents=True)
    kept = KeptStore(found.layout, cast(Namespace, volumes))
    name = "2026-01-01T00-00-00.000Z"
    await kept.set_aside("node", Keepsake(name, ("channels", "proof"), "1"))
    assert not list(folder.leases.iterdir()) and list(folder.kept_at(name).leases.iterdir())
    volumes.found["channels"] = Found(THERE, True, False)
    folder.volume("channels").mkdir(parents=True)
    await found.hold(work, RECORD)  # a new state, under the same name
    folder.volume("channels").rmdir()
    volumes.found["channels"] = Found(HERE, True, False)
    await kept.restore("node", name)
    volumes.found["channels"] = Found(HERE, False, False)
    await found.hold(work, RECORD)
    assert (read_lease(folder.lease("channels")) or first().beside).claim.epoch == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b'{"claim": "s.x.n", "inode": 1, "filesystem": null, "machine": []}']
)
def test_a_damaged_lease_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.json").write_bytes(text)
    assert read_lease(tmp_path / "x.json") is None
    lease = BoundLease(Claim("s", 1, "n"), Mark(3, 4), MACHINE)
    write_lease(tmp_path / "x.json", lease)
    assert read_lease(tmp_path / "x.json") == lease


def test_a_machine_is_its_cards_and_its_board_and_no_file_of_a_disk(tmp_path: Path) -> None:
    for name, address, real in (
        ("eth0", "02:00:00:00:00:01", True),
        ("lo", "00:00:00:00:00:00", True),
        ("veth", "0a", False),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "address").write_text(f"{address}\n")
        if real:
            (tmp_path / name / "device").mkdir()
    (tmp_path / "serial").write_text("100000001234\0")
    assert len(machine_marks(tmp_path / "serial", tmp_path)) == 2
    assert len(machine_marks(tmp_path / "none", tmp_path)) == 1
    assert machine_marks(tmp_path / "none", tmp_path / "none") == frozenset()
