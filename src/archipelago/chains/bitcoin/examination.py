"""What bitcoind reports of its chain, peers, mempool, fees and last blocks (https://bitcoincore.org/en/doc/)."""

import json
from collections.abc import Generator, Mapping
from typing import Any

from archipelago.chains.bitcoin.health import is_count, is_synced, state_of
from archipelago.chains.chain import ChainAnswer, ChainState, Conversation, ProbeRequest
from archipelago.chains.facts import BlockFacts, ChainFacts, ChainPhase, FeeFacts, MempoolFacts, PeerFacts

_BLOCKS = 6
_MOST_WEIGHT = 4_000_000
"""Weight that a block may have (BIP 141)."""
_WITHIN_AN_HOUR, _WITHIN_A_DAY = 6, 144
"""Blocks, of which one is made in ten minutes."""
_SATOSHIS = 100_000
"""Satoshis per virtual byte that are one bitcoin per 1,000 virtual bytes, as bitcoind counts fees."""
_DEAREST = 1e6
"""Satoshis per virtual byte above which an estimate is no estimate."""

Call = tuple[str, tuple[object, ...]]
Questions = Generator[ProbeRequest, ChainAnswer | None, list[Any]]


def examine(headers: Mapping[str, str], before: ChainFacts) -> Conversation:
    """Ask a bitcoind, and return what it reports; `before` is what it reported last.

    It says two kilobytes about each peer, so peers have a request of their own: where the answer is too long, only how
    many are reached over Tor stays unknown. It reads the last blocks from the disk, so they are asked for once.
    """
    chain, network, mempool, *fees = yield from _ask(
        headers,
        ("getblockchaininfo", ()),
        ("getnetworkinfo", ()),
        ("getmempoolinfo", ()),
        *(("estimatesmartfee", (blocks,)) for blocks in (1, _WITHIN_AN_HOUR, _WITHIN_A_DAY)),
    )
    try:
        state = state_of(chain)
    except ValueError:
        return ChainFacts()
    tip = chain.get("bestblockhash")
    tip = tip if isinstance(tip, str) and len(tip) <= 64 else None
    phase = _phase(state)
    blocks = before.blocks
    if phase is not ChainPhase.DONE:
        blocks = ()
    elif tip is None or tip != before.tip or not blocks:
        heights = tuple(range(state.height, max(state.height - _BLOCKS, 0), -1))
        blocks = yield from _last_blocks(headers, heights)
    (peers,) = yield from _ask(headers, ("getpeerinfo", ()))
    return ChainFacts(
        phase=phase,
        height=state.height,
        headers=state.headers,
        percent=state.percent,
        tip=tip,
        blocks=blocks,
        peers=_peers(network, peers),
        mempool=_mempool(mempool),
        fees=_fees(*fees),
        disk_bytes=_count(chain, "size_on_disk"),
        pruned=pruned if isinstance(pruned := chain.get("pruned"), bool) else None,
    )


def _ask(headers: Mapping[str, str], *calls: Call) -> Questions:
    """Send calls as one batch; return the result of each, None for one that failed."""
    requests = [
        {"jsonrpc": "1.0", "id": number, "method": method, "params": parameters}
        for number, (method, parameters) in enumerate(calls)
    ]
    answer = yield ProbeRequest(headers, json.dumps(requests))
    results: dict[object, object] = {}
    try:
        found = json.loads(answer.body) if answer is not None else None
    except (ValueError, RecursionError):
        found = None  # all of it is refused, or it was too long
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and isinstance(number := each.get("id"), int) and not each.get("error"):
            results[number] = each.get("result")
    return [results.get(number) for number in range(len(calls))]


def _last_blocks(
    headers: Mapping[str, str], heights: tuple[int, ...]
) -> Generator[ProbeRequest, ChainAnswer | None, tuple[BlockFacts, ...]]:
    if not heights:
        return ()
    wanted = ("time", "txs", "total_weight")
    found = yield from _ask(headers, *(("getblockstats", (height, wanted)) for height in heights))
    blocks = (_block(height, each) for height, each in zip(heights, found, strict=True))
    return tuple(block for block in blocks if block is not None)


def _block(height: int, stats: object) -> BlockFacts | None:
    time, transactions, weight = _count(stats, "time"), _count(stats, "txs"), _count(stats, "total_weight")
    if time is None or time >= 1 << 32 or transactions is None:
        return None
    # The first transaction of a block, which pays its maker, does not count.
    share = None if weight is None else round(min(weight / _MOST_WEIGHT, 1.0), 4)
    return BlockFacts(height, time, transactions, share)


def _phase(state: ChainState) -> ChainPhase:
    if is_synced(state):
        return ChainPhase.DONE
    return ChainPhase.BLOCKS if state.height else ChainPhase.HEADERS


def _peers(network: object, peers: object) -> PeerFacts | None:
    inbound, outbound = _count(network, "connections_in"), _count(network, "connections_out")
    if inbound is None or outbound is None:
        return None
    if not isinstance(peers, list):
        return PeerFacts(inbound, outbound)
    return PeerFacts(
        inbound, outbound, sum(isinstance(each, dict) and each.get("network") == "onion" for each in peers)
    )


def _mempool(info: object) -> MempoolFacts | None:
    transactions, size = _count(info, "size"), _count(info, "bytes")
    return None if transactions is None or size is None else MempoolFacts(transactions, size)


def _fees(*estimates: object) -> FeeFacts | None:
    found = tuple(map(_fee, estimates))
    return None if all(fee is None for fee in found) else FeeFacts("sat/vB", *found)


def _fee(estimate: object) -> float | None:
    fee = estimate.get("feerate") if isinstance(estimate, dict) else None
    if not isinstance(fee, int | float) or isinstance(fee, bool) or not 0 <= fee * _SATOSHIS < _DEAREST:
        return None
    return round(fee * _SATOSHIS, 2)


def _count(found: object, key: str) -> int | None:
    value = found.get(key) if isinstance(found, dict) else None
    return value if is_count(value) else None
