"""What bitcoind says of its chain and peers, as a health state."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.bitcoin.health import is_synced, judged, parse_answer
from archipelago.chains.chain import ChainState

MAIN = {
    "chain": "main",
    "blocks": 800_000,
    "headers": 900_000,
    "verificationprogress": 0.8123456,
    "initialblockdownload": True,
}


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at_the_tip(*, age: timedelta, peers: int | None, **changes: Any) -> ChainState:
    """Return what bitcoind says that has all blocks it knows of, the newest of this age."""
    time = int((NOW - age).timestamp())
    given = {"blocks": 900_000, "verificationprogress": 0.997, "initialblockdownload": False, "time": time, **changes}
    found = parse_answer(200, answer(peers=peers, **given)).state
    assert found is not None
    return found


def obstacle(state: ChainState, now: datetime) -> str:
    found = judged(state, now.timestamp())
    assert found.state is not None and found.state.stale == found.reason.startswith("stale:")
    return found.reason


def answer(*, peers: Any = 8, **changes: Any) -> str:
    chain = {"result": {**MAIN, **changes}, "error": None, "id": "getblockchaininfo"}
    return json.dumps([{"result": peers, "error": None, "id": "getconnectioncount"}, chain])


def test_initial_block_download_is_progress_not_failure() -> None:
    found = parse_answer(200, answer()).state
    assert found is not None
    assert (found.height, found.headers, found.percent) == (800_000, 900_000, 81.23)
    assert found.peers == 8
    assert not is_synced(found)


@pytest.mark.parametrize("peers", [None, "8", -1])
def test_peers_that_are_not_told_are_not_made_up(peers: object) -> None:
    found = parse_answer(200, answer(peers=peers)).state
    assert found is not None
    assert found.peers is None


@pytest.mark.parametrize(("blocks", "synced"), [(900_000, True), (899_999, True), (899_998, False)])
def test_synced_means_less_than_two_blocks_behind(blocks: int, synced: bool) -> None:
    found = parse_answer(200, answer(blocks=blocks, initialblockdownload=False)).state
    assert found is not None
    assert is_synced(found) is synced


@pytest.mark.parametrize("loading", [True, False])
def test_a_chain_that_stands_still_is_stale_and_says_why(loading: bool) -> None:
    found = at_the_tip(age=timedelta(days=21, hours=3), peers=0, initialblockdownload=loading)
    assert obstacle(found, NOW) == "stale: the newest block is 21 days old, and no other node is connected"


def test_a_chain_is_stale_with_other_nodes_as_well() -> None:
    for peers in (3, None):
        said = obstacle(at_the_tip(age=timedelta(hours=30), peers=peers), NOW)
        assert said == "stale: the newest block is a day old, unless the clock of this host is wrong"


@pytest.mark.parametrize("peers", [None, 0, 8])
def test_a_fresh_tip_is_healthy_whoever_is_connected(peers: int | None) -> None:
    assert obstacle(at_the_tip(age=timedelta(hours=3), peers=peers), NOW) == ""
    assert obstacle(at_the_tip(age=timedelta(hours=-2), peers=peers), NOW) == "", "a clock that is behind"


def test_an_age_that_nobody_tells_makes_nothing_stale() -> None:
    for time in (None, "1700000000", True, -1, 1 << 40):
        assert obstacle(at_the_tip(age=timedelta(), peers=0, time=time), NOW) == ""


def test_a_download_without_other_nodes_says_so() -> None:
    old = at_the_tip(age=timedelta(days=900), peers=0, blocks=800_000, initialblockdownload=True)
    assert obstacle(old, NOW) == "block 800000 of 900000 (99.7 %), and no other node is connected"
    first = at_the_tip(age=timedelta(days=6000), peers=0, blocks=0, headers=0, initialblockdownload=True)
    assert obstacle(first, NOW) == "block 0 of 0 (99.7 %), and no other node is connected"


def test_blocks_of_regtest_are_made_when_its_owner_likes() -> None:
    assert obstacle(at_the_tip(age=timedelta(days=90), peers=0, chain="regtest"), NOW) == ""


def test_a_fresh_regtest_chain_is_at_its_tip() -> None:
    found = parse_answer(200, answer(chain="regtest", blocks=0, headers=0, verificationprogress=0)).state
    assert found is not None
    assert is_synced(found)
    assert found.percent == 100.0


def test_loading_the_block_index_is_told_apart_from_an_error() -> None:
    error = {"result": None, "error": {"code": -28, "message": "Loading block index…"}, "id": "getblockchaininfo"}
    assert parse_answer(500, json.dumps(error)).reason == "Loading block index…"
    assert parse_answer(200, json.dumps([error])).reason == "Loading block index…"
    with pytest.raises(ValueError, match="Method not found"):
        parse_answer(404, json.dumps({"error": {"code": -32601, "message": "Method not found"}}))
    with pytest.raises(ValueError, match="refused"):
        parse_answer(401, "")


def test_what_a_daemon_says_of_itself_is_kept_in_short() -> None:
    loading = {"result": None, "error": {"code": -28, "message": "x" * 100_000}, "id": "getblockchaininfo"}
    assert len(parse_answer(500, json.dumps(loading)).reason) == 200
    found = parse_answer(200, answer(chain="x" * 100_000)).state
    assert found is not None and len(found.chain) == 200
    with pytest.raises(ValueError, match="without the chain's height"):
        parse_answer(200, answer(blocks=float("inf")))


@given(st.integers(), st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_no_answer_breaks_the_parser(status: int, body: str) -> None:
    try:
        parse_answer(status, body)
    except ValueError as error:
        assert str(error)
