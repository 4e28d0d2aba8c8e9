"""Bitcoin, as `chains/chain` asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.chains.bitcoin.examination import examine
from archipelago.chains.bitcoin.health import REQUEST_BODY, judged, parse_answer, request_headers
from archipelago.chains.bitcoin.roles import whitelist_line
from archipelago.chains.bitcoin.rpcauth import rpcauth_line
from archipelago.chains.chain import ChainReading, Conversation, InterfaceRole, ProbeRequest
from archipelago.chains.facts import ChainFacts


@dataclass(frozen=True, slots=True)
class Bitcoin:
    """bitcoind, of Bitcoin Core, Knots and their like."""

    name: str = "bitcoin"
    login: str = "rpcauth"

    def probe(self, user: str, password: str) -> ProbeRequest:
        """Return a batch that asks for the chain and the number of peers."""
        return ProbeRequest(request_headers(user, password), REQUEST_BODY)

    def read(self, status: int, body: str, now: float) -> ChainReading:
        """Return how far the chain is. Raises `ValueError`."""
        reading = parse_answer(status, body)
        return reading if reading.state is None else judged(reading.state, now)

    def examine(self, user: str, password: str, before: ChainFacts) -> Conversation:
        """Ask for the chain, the peers, the mempool, the fees and the last blocks, in three requests at most."""
        return examine(request_headers(user, password), before)

    def login_line(self, user: str, password: str) -> str:
        """Return the value of bitcoind's option `rpcauth`."""
        return rpcauth_line(user, password)

    def credentials(self, user: str, password: str, role: InterfaceRole) -> Mapping[str, str]:
        """Return the values of bitcoind's options `rpcauth` and `rpcwhitelist`; the latter is empty for all methods."""
        return {"rpcauth": rpcauth_line(user, password), "rpcwhitelist": whitelist_line(user, role)}
