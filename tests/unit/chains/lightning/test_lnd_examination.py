"""What LND answers becomes figures; what it does not answer, or answers wrongly, is not known."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from archipelago.chains.chain import ChainAnswer
from archipelago.chains.lightning.facts import ChannelCounts, ForwardingFees, LightningFacts
from archipelago.chains.lightning.lnd import examine

INFO = {
    "alias": "archipelago",
    "num_peers": 2,
    "num_active_channels": 2,
    "num_inactive_channels": 1,
    "num_pending_channels": 0,
    "synced_to_chain": True,
    "synced_to_graph": False,
}
BALANCES = {
    "local_balance": {"sat": "700000", "msat": "700000000"},
    "remote_balance": {"sat": "300000"},
    "pending_open_local_balance": {"sat": "5000"},
}


def channel(local: int, remote: int, reserve: int = 10_000) -> dict[str, Any]:
    return {
        "active": True,
        "local_balance": str(local),
        "remote_balance": str(remote),
        "local_constraints": {"chan_reserve_sat": str(reserve)},
        "remote_constraints": {"chan_reserve_sat": str(reserve)},
    }


ANSWERS: Mapping[str, Any] = {
    "/v1/getinfo": INFO,
    "/v1/balance/channels": BALANCES,
    "/v1/channels?active_only=true": {"channels": [channel(700_000, 4_000), channel(5_000, 296_000)]},
    "/v1/channels/pending": {"total_limbo_balance": "2000"},
    "/v1/balance/blockchain": {"confirmed_balance": "9000000", "unconfirmed_balance": "7"},
    "/v1/fees": {"day_fee_sum": "1", "week_fee_sum": "20", "month_fee_sum": "300"},
}


def learnt(answers: Mapping[str, Any]) -> tuple[LightningFacts, list[str]]:
    """Return what is learnt of answers, which are JSON, texts or whole answers, and the paths that were asked for."""
    conversation, asked = examine("0201"), []
    try:
        request = next(conversation)
        while True:
            assert (request.method, request.body) == ("GET", "")
            assert request.headers == {"Grpc-Metadata-macaroon": "0201"}
            asked.append(request.path)
            found = answers.get(request.path)
            if isinstance(found, dict | list | int):
                found = ChainAnswer(200, json.dumps(found))
            elif isinstance(found, str):
                found = ChainAnswer(200, found)
            request = conversation.send(found)
    except StopIteration as end:
        return end.value, asked


def test_all_that_it_reports_is_told_and_reserves_are_not_to_be_spent() -> None:
    found, asked = learnt(ANSWERS)
    assert found == LightningFacts(
        alias="archipelago",
        synced_to_chain=True,
        synced_to_graph=False,
        peers=2,
        channels=ChannelCounts(active=2, inactive=1, pending=0),
        can_send=690_000,
        can_receive=286_000,
        pending=7_000,
        onchain=9_000_000,
        onchain_unconfirmed=7,
        fees=ForwardingFees(day=1, week=20, month=300),
    )
    assert asked == list(ANSWERS)


def test_where_it_says_more_of_its_channels_than_fits_all_that_is_in_them_counts() -> None:
    found, _ = learnt({**ANSWERS, "/v1/channels?active_only=true": '{"channels": [{"active": tr'})
    assert (found.can_send, found.can_receive) == (700_000, 300_000)


def test_a_wallet_that_is_locked_is_asked_for_nothing_more() -> None:
    locked = ChainAnswer(500, '{"code": 2, "message": "wallet locked"}')
    assert learnt({**ANSWERS, "/v1/getinfo": locked}) == (LightningFacts(), ["/v1/getinfo"])
    assert learnt({}) == (LightningFacts(), ["/v1/getinfo"])


@pytest.mark.parametrize("path", list(ANSWERS))
@pytest.mark.parametrize(
    "wrong", [None, "", "[" * 100_000, [], 7, {}, {"channels": [7, None]}, ChainAnswer(403, json.dumps(BALANCES))]
)
def test_one_wrong_answer_leaves_the_others(path: str, wrong: Any) -> None:
    found, _ = learnt({**ANSWERS, path: wrong})
    if path != "/v1/getinfo":
        assert found.alias == "archipelago"
    if path not in ("/v1/getinfo", "/v1/balance/blockchain"):
        assert found.onchain == 9_000_000
    if path != "/v1/fees" and found.alias:
        assert found.fees == ForwardingFees(1, 20, 300)


@pytest.mark.parametrize("amount", ["-1", "1e3", "٣", "2" * 21, str(21_000_000 * 10**8 + 1), -1, True, 1.5, None, {}])
def test_what_is_no_amount_is_not_known(amount: Any) -> None:
    found, _ = learnt({**ANSWERS, "/v1/balance/blockchain": {"confirmed_balance": amount, "unconfirmed_balance": "0"}})
    assert (found.onchain, found.onchain_unconfirmed) == (None, 0)
