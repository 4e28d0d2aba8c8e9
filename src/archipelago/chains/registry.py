"""The chains that this node knows."""

from collections.abc import Iterable

from archipelago.chains.bitcoin.chain import Bitcoin
from archipelago.chains.chain import Chain

CHAINS: tuple[Chain, ...] = (Bitcoin(),)


def chain_named(name: str, chains: Iterable[Chain] = CHAINS) -> Chain:
    """Return the chain of a probe, which the manifest's check has found; raises `LookupError` otherwise."""
    for chain in chains:
        if chain.name == name:
            return chain
    raise LookupError(f"no chain is called {name!r}")


def chain_with_login(login: str, chains: Iterable[Chain] = CHAINS) -> Chain | None:
    """Return the chain whose daemons know their consumers by this kind of login; None where none does."""
    return next((chain for chain in chains if chain.login == login), None)
