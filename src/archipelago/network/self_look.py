"""Looks at the node from its local network, as far as the node itself can: calls its own doors, asks for its names."""

import asyncio
import importlib
import os
import ssl
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from archipelago.api.local_network import DoorReport, DoorState, NameReport

_PATIENCE = 5.0
_ASK_PATIENCE = 1500
"""Milliseconds in which whoever has a name answers."""
_AT_ONCE = 8
_MOST = 60
"""Doors that are called, and names that are asked for; on a node with more, the rest are alike."""
_STATES = {9: DoorState.NOT_YET, 10: DoorState.EXPIRED, 62: DoorState.MISNAMED, 64: DoorState.MISNAMED}
"""By the numbers of OpenSSL (X509_STORE_CTX_get_error(3))."""


@dataclass(frozen=True, slots=True)
class Knock:
    """A door to call: an address, and the name by which browsers call it."""

    address: IPv4Address
    port: int
    name: str


async def call_doors(knocks: Sequence[Knock], authority: str) -> tuple[DoorReport, ...]:
    """Call doors by TLS as a device does that trusts the authority (PEM), and return what it finds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def call(knock: Knock) -> DoorReport:
        async with turns:
            return await _call(knock, context)

    return tuple(await asyncio.gather(*map(call, knocks[:_MOST])))


async def _call(knock: Knock, context: ssl.SSLContext) -> DoorReport:
    where = (knock.address, knock.port, knock.name)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(
                str(knock.address), knock.port, ssl=context, server_hostname=knock.name
            )
    except ssl.SSLCertVerificationError as error:
        return DoorReport(*where, _STATES.get(error.verify_code, DoorState.FOREIGN), error.verify_message)
    except TimeoutError:
        return DoorReport(*where, DoorState.SILENT, f"no answer within {_PATIENCE:.0f} s")
    except OSError as error:
        return DoorReport(*where, DoorState.SILENT, os.strerror(error.errno) if error.errno else str(error))
    writer.close()
    return DoorReport(*where, DoorState.WELL)


async def ask_for_names(
    names: Collection[str], announced: Collection[str], interfaces: Iterable[IPv4Address]
) -> tuple[NameReport, ...]:
    """Ask for each name by multicast DNS on each interface, and return who answers.

    An interface on which nobody can be asked has no report.
    """
    if not names:
        return ()
    await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
    found = await asyncio.gather(*(_ask_on(each, sorted(names)[:_MOST], announced) for each in interfaces))
    return tuple(report for reports in found for report in reports)


async def _ask_on(interface: IPv4Address, names: Sequence[str], announced: Collection[str]) -> tuple[NameReport, ...]:
    from zeroconf import AddressResolverIPv4, IPVersion  # type: ignore[attr-defined]
    from zeroconf.asyncio import AsyncZeroconf

    try:
        responder = AsyncZeroconf(interfaces=[str(interface)], ip_version=IPVersion.V4Only)
    except OSError:
        return tuple(NameReport(name, interface, (), name in announced) for name in names)

    async def ask(name: str) -> NameReport:
        resolver = AddressResolverIPv4(f"{name}.")
        await resolver.async_request(responder.zeroconf, _ASK_PATIENCE)
        answers = sorted(IPv4Address(str(each)) for each in set(resolver.ip_addresses_by_version(IPVersion.V4Only)))
        return NameReport(name, interface, tuple(answers), name in announced)

    try:
        await responder.zeroconf.async_wait_for_start()
        return tuple(await asyncio.gather(*map(ask, names)))
    finally:
        await responder.async_close()
