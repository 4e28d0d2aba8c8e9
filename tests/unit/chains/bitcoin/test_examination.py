"""What bitcoind tells of itself, question by question."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.chains.bitcoin.examination import examine
from archipelago.chains.chain import ChainAnswer
from archipelago.chains.facts import BlockFacts, ChainFacts, ChainPhase, FeeFacts, MempoolFacts, PeerFacts

CHAIN = {
    "chain": "main",
    "blocks": 900_000,
    "headers": 900_000,
    "bestblockhash": "00" * 32,
    "verificationprogress": 0.99999,
    "initialblockdownload": False,
    "size_on_disk": 750_000_000_000,
    "pruned": False,
}
RESULTS: dict[str, Any] = {
    "getblockchaininfo": CHAIN,
    "getnetworkinfo": {"connections_in": 12, "connections_out": 10},
    "getmempoolinfo": {"size": 4000, "bytes": 2_000_000},
    "getpeerinfo": [{"network": "onion"}, {"network": "ipv4"}, {"network": "onion"}],
}
FEES = {1: 0.000125, 6: 0.00005, 144: 0.00001}

NOTHING = ChainFacts()
Answer = Callable[[list[dict[str, Any]]], ChainAnswer | None]


def told(**changes: Any) -> Answer:
    """Return a bitcoind that answers as usual, but for these results; None is an error."""
    results = {**RESULTS, **changes}

    def answer(calls: list[dict[str, Any]]) -> ChainAnswer:
        found = []
        for call in calls:
            method, parameters = call["method"], call["params"]
            if method == "getblockstats":
                height = parameters[0]
                result = {"time": 1_700_000_000 + height, "txs": height % 1000 + 1, "total_weight": 3_000_000}
            elif method == "estimatesmartfee" and method not in changes:
                result = {"feerate": FEES[parameters[0]], "blocks": parameters[0]}
            else:
                result = results[method]
            error = None if result is not None else {"code": -1, "message": "no"}
            found.append({"id": call["id"], "result": result, "error": error})
        return ChainAnswer(200, json.dumps(found))

    return answer


def examined(answer: Answer, before: ChainFacts = NOTHING) -> tuple[ChainFacts, list[str]]:
    """Return what was learnt, and which methods were called."""
    called: list[str] = []
    conversation = examine({"Authorization": "x"}, before)
    try:
        request = next(conversation)
        while len(called) < 100:
            calls = json.loads(request.body)
            called += [call["method"] for call in calls]
            request = conversation.send(answer(calls))
    except StopIteration as end:
        return end.value, called
    raise AssertionError("it asks without end")


def test_all_that_bitcoind_tells() -> None:
    facts, _ = examined(told())
    assert facts == ChainFacts(
        phase=ChainPhase.DONE,
        height=900_000,
        headers=900_000,
        percent=100.0,
        tip="00" * 32,
        blocks=tuple(BlockFacts(at, 1_700_000_000 + at, at % 1000 + 1, 0.75) for at in range(900_000, 899_994, -1)),
        peers=PeerFacts(inbound=12, outbound=10, over_tor=2),
        mempool=MempoolFacts(4000, 2_000_000),
        fees=FeeFacts("sat/vB", 12.5, 5.0, 1.0),
        disk_bytes=750_000_000_000,
        pruned=False,
    )


def test_blocks_are_read_again_only_after_a_new_one() -> None:
    before, _ = examined(told())
    facts, called = examined(told(), before)
    assert facts == before and "getblockstats" not in called
    newer = {**CHAIN, "blocks": 900_001, "headers": 900_001, "bestblockhash": "11" * 32}
    facts, called = examined(told(getblockchaininfo=newer), before)
    assert [block.height for block in facts.blocks] == [900_001 - back for back in range(6)]
    assert called.count("getblockstats") == 6


@pytest.mark.parametrize(
    ("blocks", "headers", "loading", "phase"),
    [
        (0, 0, True, ChainPhase.HEADERS),
        (0, 400_000, True, ChainPhase.HEADERS),
        (5, 900_000, True, ChainPhase.BLOCKS),
        (899_000, 900_000, False, ChainPhase.BLOCKS),
        (899_999, 900_000, False, ChainPhase.DONE),
    ],
)
def test_a_download_has_a_phase_and_no_last_blocks(blocks: int, headers: int, loading: bool, phase: ChainPhase) -> None:
    now = {**CHAIN, "blocks": blocks, "headers": headers, "initialblockdownload": loading}
    facts, called = examined(told(getblockchaininfo=now))
    assert facts.phase is phase
    assert bool(facts.blocks) == ("getblockstats" in called) == (phase is ChainPhase.DONE)


def test_a_young_chain_has_fewer_blocks() -> None:
    young = {**CHAIN, "chain": "regtest", "blocks": 2, "headers": 2}
    assert [block.height for block in examined(told(getblockchaininfo=young))[0].blocks] == [2, 1]
    fresh = {**CHAIN, "chain": "regtest", "blocks": 0, "headers": 0}
    facts, called = examined(told(getblockchaininfo=fresh))
    assert (facts.phase, facts.blocks, "getblockstats" in called) == (ChainPhase.DONE, (), False)


def test_what_bitcoind_does_not_tell_stays_unknown() -> None:
    nothing = dict.fromkeys(("getnetworkinfo", "getmempoolinfo", "getpeerinfo", "estimatesmartfee"))
    facts, _ = examined(told(**nothing))
    assert (facts.peers, facts.mempool, facts.fees) == (None, None, None)
    assert facts.height == 900_000
    facts, _ = examined(told(getpeerinfo=None))
    assert facts.peers == PeerFacts(12, 10, None)
    facts, _ = examined(told(estimatesmartfee={"errors": ["Insufficient data or no feerate found"], "blocks": 2}))
    assert facts.fees is None


@pytest.mark.parametrize("answer", [None, ChainAnswer(403, ""), ChainAnswer(500, '{"error": {"code": -28}}')])
def test_a_bitcoind_that_refuses_or_still_loads_is_asked_once(answer: ChainAnswer | None) -> None:
    facts, called = examined(lambda _: answer)
    assert facts == ChainFacts()
    assert "getpeerinfo" not in called


def test_an_answer_that_was_cut_off_costs_what_was_in_it_alone() -> None:
    def answer(calls: list[dict[str, Any]]) -> ChainAnswer | None:
        whole = told()(calls)
        assert whole is not None
        return whole if calls[0]["method"] != "getpeerinfo" else ChainAnswer(200, whole.body[:-5])

    assert examined(answer)[0].peers == PeerFacts(12, 10, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
BENT = st.fixed_dictionaries(
    {},
    optional={
        **{method: JSON | st.dictionaries(st.sampled_from(sorted(CHAIN)), JSON) for method in sorted(RESULTS)},
        "getblockchaininfo": st.dictionaries(st.sampled_from(sorted(CHAIN)), JSON).map(lambda odd: {**CHAIN, **odd}),
        "estimatesmartfee": st.dictionaries(st.just("feerate"), JSON),
    },
)


@given(BENT)
def test_no_answer_breaks_it_and_no_number_is_made_up(bent: dict[str, Any]) -> None:
    facts, _ = examined(told(**bent))
    for found in (facts.peers, facts.mempool, facts.fees):
        if found is not None:
            numbers = [value for value in (getattr(found, key) for key in found.__slots__) if value is not None]
            assert all(isinstance(each, str) or each >= 0 for each in numbers)


@given(st.integers(100, 600), st.text())
def test_no_text_breaks_it(status: int, body: str) -> None:
    assert examined(lambda _: ChainAnswer(status, body))[0] == ChainFacts()
