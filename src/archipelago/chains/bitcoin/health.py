"""Bitcoin's `getblockchaininfo` and `getconnectioncount` as a chain state (https://bitcoincore.org/en/doc/)."""

import base64
import json
from dataclasses import replace
from typing import Any, TypeGuard

from archipelago.chains.chain import ChainReading, ChainState
from archipelago.support.texts.text import msg

_DAY = 86400
_STALE_AFTER = _DAY
"""Age of the newest block, in seconds, from which on bitcoind takes a chain for old (its option `-maxtipage`)."""
_LONGEST_TEXT = 200
"""Characters of what a daemon says of itself: they are kept with each change of its health."""
_RPC_IN_WARMUP = -28
"""Error code of a node that loads its block index (Bitcoin Core, rpc/protocol.h)."""


def request_headers(user: str, password: str) -> dict[str, str]:
    """Return the HTTP headers of an authenticated call (RFC 7617)."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}


_CHAIN, _PEERS = "getblockchaininfo", "getconnectioncount"
REQUEST_BODY = json.dumps(
    [{"jsonrpc": "1.0", "id": method, "method": method, "params": []} for method in (_CHAIN, _PEERS)]
)
"""One batch: a probe is one connection."""


def parse_answer(status: int, body: str) -> ChainReading:
    """Return what the answer to `REQUEST_BODY` says, not yet compared with the clock. Raises `ValueError`."""
    if status == 401:
        raise ValueError("the node's own RPC user was refused")
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise ValueError(f"HTTP {status} without a JSON answer") from error
    peers = None
    if isinstance(answer, list):
        # A batch that is refused as a whole is answered by one object.
        found = {str(each.get("id")): each for each in answer if isinstance(each, dict)}
        answer, peers = found.get(_CHAIN), found.get(_PEERS, {}).get("result")
    if not isinstance(answer, dict):
        raise ValueError("the answer is not a JSON-RPC answer")
    if problem := answer.get("error"):
        message = str(problem.get("message", problem)) if isinstance(problem, dict) else str(problem)
        if isinstance(problem, dict) and problem.get("code") == _RPC_IN_WARMUP:
            return ChainReading(None, message[:_LONGEST_TEXT])
        raise ValueError(message[:_LONGEST_TEXT])
    return ChainReading(replace(state_of(answer.get("result")), peers=peers if is_count(peers) else None))


def state_of(result: Any) -> ChainState:
    """Return the state that a result of `getblockchaininfo` describes. Raises `ValueError`."""
    try:
        return ChainState(
            chain=str(result["chain"])[:_LONGEST_TEXT],
            height=int(result["blocks"]),
            headers=int(result["headers"]),
            percent=_percent(result),
            initial_block_download=bool(result["initialblockdownload"]),
            tip_at=_moment(result.get("time")),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("getblockchaininfo answered without the chain's height") from error


def judged(state: ChainState, now: float) -> ChainReading:
    """Return the chain, marked where it is stale, and why it is not up to date; `now` is in seconds since 1970."""
    alone = msg(", and no other node is connected") if state.peers == 0 else ""
    synced, age = is_synced(state), _age(state, now)
    if age and state.height and (synced or (alone and state.headers - state.height < 2)):
        cause = alone or msg(", unless the clock of this host is wrong")
        return ChainReading(
            replace(state, stale=True), msg("stale: the newest block is {age} old{cause}", age=age, cause=cause)
        )
    behind = msg(
        "block {height} of {headers} ({percent} %){alone}",
        height=state.height,
        headers=state.headers,
        percent=state.percent,
        alone=alone,
    )
    return ChainReading(state, "" if synced else behind)


def is_synced(state: ChainState) -> bool:
    """Return whether the daemon is at the tip: out of initial download and less than two blocks behind its headers.

    A regtest chain reports initial download until its first block is mined; with nothing to fetch it is at its tip.
    """
    if state.chain == "regtest":
        return state.headers - state.height < 2
    return not state.initial_block_download and state.headers - state.height < 2


def _percent(result: dict[str, object]) -> float:
    if result["chain"] == "regtest" and result["blocks"] == result["headers"]:
        return 100.0
    progress = float(result["verificationprogress"])  # type: ignore[arg-type]
    return round(min(max(progress, 0.0), 1.0) * 100, 2)


def _age(state: ChainState, now: float) -> str:
    """Return the age of the newest block in words; empty where it is none to speak of, or nobody knows.

    Blocks of regtest are made when its owner likes.
    """
    if state.chain == "regtest" or state.tip_at is None or (age := now - state.tip_at) < _STALE_AFTER:
        return ""
    return msg("{age} days", age=f"{age // _DAY:.0f}") if age >= 2 * _DAY else msg("a day")


def is_count(value: object, limit: int = 1 << 53) -> TypeGuard[int]:
    """Return whether a value is a whole number below a limit, and not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < limit


def _moment(seconds: object) -> int | None:
    """Return the time of a block, in seconds since 1970 (32 bits), where bitcoind told it."""
    return seconds if is_count(seconds, 1 << 32) else None
