"""A host that a DHCP server gives another address, in a network namespace of its own: `python moving_host.py FOLDER`.

What listens there is the node's own, down to the kernel; only the node's page is a server that hangs up. It prints OK.
"""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.site_names import Doors
from archipelago.errors import NodeError
from archipelago.network.local_access import LocalAccess
from archipelago.network.route_keeper import RouteKeeper
from archipelago.network.site_keeper import SiteKeeper
from archipelago.network.sites import Door
from archipelago.network.tls import server_contexts
from archipelago.network.trust.trust_files import TrustFiles
from archipelago.performance.host import own_addresses
from archipelago.security.keys.certificates import Certificates
from archipelago.support.broadcast import Signal
from archipelago.support.connections.listener import listening_socket

PORT, NAME = 8480, "bücherregal"
BEFORE, AFTER = IPv4Address("192.168.7.1"), IPv4Address("192.168.7.9")
PATIENCE = 90.0
"""Seconds; the node's own look at its addresses comes once a minute, and nobody takes it here."""


class NoSites:
    """No app is installed, so there is nothing but what anybody may have of the node."""

    async def apply(self, doors: tuple[Door, ...]) -> tuple[str, ...]:
        assert not any(door.names for door in doors)
        return ()

    async def close(self) -> None:
        """Nothing is open."""


class Plain:
    """Stands for the node's key."""

    def seal(self, text: str) -> bytes:
        return text.encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()


class Facts(dict[str, str]):
    """Stands for the database."""

    async def found_fact(self, key: str) -> str:
        return self.get(key, "")

    async def set_fact(self, key: str, value: str) -> None:
        self[key] = value


class Page:
    """Stands for the node's own page."""

    def __init__(self) -> None:
        self._servers: dict[IPv4Address, asyncio.Server] = {}

    async def front(
        self, addresses: Collection[IPv4Address], names: Collection[str], context: ssl.SSLContext
    ) -> dict[IPv4Address, NodeError]:
        for address in set(self._servers) - set(addresses):
            self._servers.pop(address).close()
        for address in set(addresses) - set(self._servers):
            listener = listening_socket(address, PORT)
            self._servers[address] = await asyncio.start_server(lambda _, w: w.close(), sock=listener, ssl=context)
        return {}


def ip(*words: str) -> None:
    """Have ip(8) change something."""
    subprocess.run(["ip", *words], check=True)


async def answers(address: IPv4Address, context: ssl.SSLContext) -> bool:
    """Tell whether the node's page answers there, by a certificate for that very address."""
    try:
        _, writer = await asyncio.open_connection(str(address), PORT, ssl=context)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def main(folder: Path) -> None:
    """Move, and look who answers."""
    ip("link", "set", "lo", "up")
    ip("addr", "add", f"{BEFORE}/32", "dev", "lo")
    certificates = Certificates(folder, Plain(), NAME, now=lambda: datetime.now(UTC))
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(cadata=certificates.authority().certificate_pem().decode())
    access = LocalAccess(
        Facts(),
        certificates,
        NAME,
        PORT,
        own_addresses,
        lambda: True,
        routes=RouteKeeper((), DesiredState, Signal()),
        sites=SiteKeeper((NoSites(),), Doors(8481, 8443, NAME), DesiredState, Signal()),
        trust=TrustFiles(certificates, Doors(8481, 8443, NAME)),
        contexts=server_contexts("island"),
    )
    await access.open(Page().front)
    await access.listen(["lan"])
    assert await answers(BEFORE, trusting)
    ip("addr", "del", f"{BEFORE}/32", "dev", "lo")
    ip("addr", "add", f"{AFTER}/32", "dev", "lo")
    async with asyncio.timeout(PATIENCE):
        while not await answers(AFTER, trusting):
            await asyncio.sleep(0.05)  # who is outside is not told
    ip("addr", "add", f"{BEFORE}/32", "dev", "lo")
    async with asyncio.timeout(PATIENCE):
        while access.addresses != (BEFORE, AFTER):
            await asyncio.sleep(0.05)
    await access.close()
    print("OK")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
