"""Finds addresses for HTTP clients: only those to which the node may connect."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from archipelago.support.connections.outward import permitted


class OutwardResolver(AbstractResolver):
    """Finds only addresses to which the node may connect. aiohttp asks it about names, not about written addresses."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises `ForbiddenAddress` where there are none, and OSError."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await permitted(host, port)
        ]

    async def close(self) -> None:
        """Close nothing."""
