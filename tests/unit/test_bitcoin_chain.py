"""What bitcoind says of its chain and peers, as a health state."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.bitcoin import is_synced, parse_answer

MAIN = {
    "chain": "main",
    "blocks": 800_000,
    "headers": 900_000,
    "verificationprogress": 0.8123456,
    "initialblockdownload": True,
}


def answer(*, peers: Any = 8, **changes: Any) -> str:
    chain = {"result": {**MAIN, **changes}, "error": None, "id": "getblockchaininfo"}
    return json.dumps([{"result": peers, "error": None, "id": "getconnectioncount"}, chain])


def test_initial_block_download_is_progress_not_failure() -> None:
    found = parse_answer(200, answer()).sync
    assert found is not None
    assert (found.height, found.headers, found.percent) == (800_000, 900_000, 81.23)
    assert found.peers == 8
    assert not is_synced(found)


@pytest.mark.parametrize("peers", [None, "8", -1])
def test_peers_that_are_not_told_are_not_made_up(peers: object) -> None:
    found = parse_answer(200, answer(peers=peers)).sync
    assert found is not None
    assert found.peers is None


@pytest.mark.parametrize(("blocks", "synced"), [(900_000, True), (899_999, True), (899_998, False)])
def test_synced_means_less_than_two_blocks_behind(blocks: int, synced: bool) -> None:
    found = parse_answer(200, answer(blocks=blocks, initialblockdownload=False)).sync
    assert found is not None
    assert is_synced(found) is synced


def test_a_fresh_regtest_chain_is_at_its_tip() -> None:
    found = parse_answer(200, answer(chain="regtest", blocks=0, headers=0, verificationprogress=0)).sync
    assert found is not None
    assert is_synced(found)
    assert found.percent == 100.0


def test_loading_the_block_index_is_told_apart_from_an_error() -> None:
    error = {"result": None, "error": {"code": -28, "message": "Loading block index…"}, "id": "getblockchaininfo"}
    assert parse_answer(500, json.dumps(error)).message == "Loading block index…"
    assert parse_answer(200, json.dumps([error])).message == "Loading block index…"
    with pytest.raises(ValueError, match="Method not found"):
        parse_answer(404, json.dumps({"error": {"code": -32601, "message": "Method not found"}}))
    with pytest.raises(ValueError, match="refused"):
        parse_answer(401, "")


@given(st.integers(), st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_no_answer_breaks_the_parser(status: int, body: str) -> None:
    try:
        parse_answer(status, body)
    except ValueError as error:
        assert str(error)
