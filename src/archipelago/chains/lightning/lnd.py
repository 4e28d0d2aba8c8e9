"""What LND reports of its channels and coins by its REST API (https://api.lightning.community). Pure."""

import json
from collections.abc import Generator
from typing import Any

from archipelago.chains.chain import ChainAnswer, ProbeRequest
from archipelago.chains.lightning.facts import ChannelCounts, ForwardingFees, LightningFacts

PERMISSIONS = ("info:read", "offchain:read", "onchain:read")
"""What a macaroon must allow for these questions; it pays nothing and changes nothing."""
_MOST = 21_000_000 * 100_000_000
"""Satoshis that there are."""
_LONGEST_ALIAS = 64

Answer = dict[str, Any]
Questions = Generator[ProbeRequest, ChainAnswer | None, Answer]


def examine(macaroon: str) -> Generator[ProbeRequest, ChainAnswer | None, LightningFacts]:
    """Ask an LND, whose `macaroon` is in hexadecimal, and return what it reports. It raises nothing."""
    info = yield from _ask(macaroon, "/v1/getinfo")
    if not info:
        return LightningFacts()
    balances = yield from _ask(macaroon, "/v1/balance/channels")
    # A node with hundreds of channels says more of them than fits into an answer.
    channels = yield from _ask(macaroon, "/v1/channels?active_only=true")
    closing = yield from _ask(macaroon, "/v1/channels/pending")
    wallet = yield from _ask(macaroon, "/v1/balance/blockchain")
    fees = yield from _ask(macaroon, "/v1/fees")
    alias = info.get("alias")
    return LightningFacts(
        alias=alias[:_LONGEST_ALIAS] if isinstance(alias, str) else None,
        synced_to_chain=_flag(info, "synced_to_chain"),
        synced_to_graph=_flag(info, "synced_to_graph"),
        peers=_number(info, "num_peers"),
        channels=_channels(info),
        can_send=_usable(channels, balances, "local"),
        can_receive=_usable(channels, balances, "remote"),
        pending=_sum(_number(balances, "pending_open_local_balance", "sat"), _number(closing, "total_limbo_balance")),
        onchain=_number(wallet, "confirmed_balance"),
        onchain_unconfirmed=_number(wallet, "unconfirmed_balance"),
        fees=_fees(fees),
    )


def _ask(macaroon: str, path: str) -> Questions:
    answer = yield ProbeRequest({"Grpc-Metadata-macaroon": macaroon}, "", "GET", path)
    try:
        found = json.loads(answer.body) if answer is not None and answer.status == 200 else None
    except (ValueError, RecursionError):
        found = None  # it was too long
    return found if isinstance(found, dict) else {}


def _channels(info: Answer) -> ChannelCounts | None:
    active, inactive, pending = (_number(info, f"num_{each}_channels") for each in ("active", "inactive", "pending"))
    if active is None or inactive is None or pending is None:
        return None
    return ChannelCounts(active, inactive, pending)


def _usable(channels: Answer, balances: Answer, side: str) -> int | None:
    """Return the satoshis of one side that payments can use; with its reserves where the channels are not known."""
    found = channels.get("channels")
    if not isinstance(found, list):
        return _number(balances, f"{side}_balance", "sat")
    usable = 0
    for each in found:
        balance, reserve = _number(each, f"{side}_balance"), _number(each, f"{side}_constraints", "chan_reserve_sat")
        usable += max((balance or 0) - (reserve or 0), 0)
    return usable


def _fees(report: Answer) -> ForwardingFees | None:
    day, week, month = (_number(report, f"{span}_fee_sum") for span in ("day", "week", "month"))
    return None if day is None or week is None or month is None else ForwardingFees(day, week, month)


def _sum(*amounts: int | None) -> int | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if known else None


def _number(found: object, *keys: str) -> int | None:
    """Return a whole number that is not negative; those of 64 bits are texts (Protocol Buffers, JSON mapping)."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) <= 20:
        found = int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST else None


def _flag(found: Answer, key: str) -> bool | None:
    value = found.get(key)
    return value if isinstance(value, bool) else None
