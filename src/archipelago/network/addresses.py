"""Which addresses of this host the owner means. Pure."""

from collections.abc import Collection
from ipaddress import AddressValueError, IPv4Address

from archipelago.api.local_network import ALL
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.local_networks import may_listen_on
from archipelago.support.texts.text import msg


def resolve(wanted: Collection[str], own: Collection[IPv4Address]) -> tuple[IPv4Address, ...]:
    """Return the addresses that a decision of the owner means, where this host has the addresses `own`, in order.

    One that he named stays, be it there or not: the host may get it back.
    """
    named = {IPv4Address(text) for text in wanted if text != ALL}
    return tuple(sorted(named | ({address for address in own if may_listen_on(address)} if ALL in wanted else set())))


def choose(wanted: Collection[str], own: Collection[IPv4Address]) -> tuple[IPv4Address, ...]:
    """Return the addresses that texts name, in order; raises `NodeError` for one that is not a private one of ours."""
    possible = sorted(address for address in own if may_listen_on(address))
    hint = msg(
        "choose from: {possible}",
        possible=" ".join(map(str, possible)) or msg("none, this host has no address of a local network"),
    )
    found: set[IPv4Address] = set()
    for text in wanted:
        try:
            named = set(possible) if text == ALL else {IPv4Address(text)}
        except AddressValueError as error:
            raise NodeError(
                ErrorCode.INVALID_VALUE, msg("{text} is no IPv4 address", text=f"{text!r}"), hint=hint
            ) from error
        if not named or not named <= set(possible):
            foreign = text == ALL or not may_listen_on(min(named))
            why = msg("is not an address of a local network") if foreign else msg("is not an address of this host")
            raise NodeError(ErrorCode.INVALID_VALUE, msg("{text} {why}", text=text, why=why), hint=hint)
        found |= named
    return tuple(sorted(found))
