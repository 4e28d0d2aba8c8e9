"""Asks a chain daemon for facts about itself, at its RPC port, from within its container's network namespace."""

import time
from collections.abc import Generator
from typing import TypeVar

from archipelago.chains.chain import Chain, ChainAnswer, ProbeRequest
from archipelago.chains.facts import ChainFacts
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.namespace.client import HttpAnswer, Namespace, ProbeFailed, Target
from archipelago.security.secrets.secret import Secret

_EACH = 5.0
"""Seconds for one answer."""
T = TypeVar("T")
_ALL = 12.0
"""Seconds for all answers together; what is not answered by then is not known."""


async def ask_chain(
    namespace: Namespace, target: Target, port: int, request: ProbeRequest, timeout: float
) -> HttpAnswer:
    """Send a request to a chain daemon. Raises `ProbeFailed`."""
    return await namespace.http(
        target,
        port,
        request.path,
        timeout,
        method=request.method,
        headers=request.headers,
        body=request.body,
    )


async def examine_chain(
    namespace: Namespace, target: Target, chain: Chain, probe: ChainProbe, password: Secret, before: ChainFacts
) -> ChainFacts:
    """Return what a chain daemon reports of itself, in twelve seconds at most; what it does not answer is not known."""
    return await converse(namespace, target, probe.port, chain.examine(probe.user, password.reveal(), before))


async def converse(
    namespace: Namespace, target: Target, port: int, conversation: Generator[ProbeRequest, ChainAnswer | None, T]
) -> T:
    """Put the questions of a conversation to a daemon, in twelve seconds at most, and return what it learnt."""
    deadline = time.monotonic() + _ALL
    try:
        request = next(conversation)
        while True:
            left = min(deadline - time.monotonic(), _EACH)
            request = conversation.send(await _answer(namespace, target, port, request, left))
    except StopIteration as end:
        learnt: T = end.value
        return learnt


async def _answer(
    namespace: Namespace, target: Target, port: int, request: ProbeRequest, timeout: float
) -> ChainAnswer | None:
    if timeout <= 0:
        return None
    try:
        found = await ask_chain(namespace, target, port, request, timeout)
    except ProbeFailed:
        return None
    return ChainAnswer(found.status, found.body)
