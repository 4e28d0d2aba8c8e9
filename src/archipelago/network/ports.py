"""Ports of this host: is one free?"""

import asyncio
import errno
import socket
from collections.abc import Collection

from archipelago.errors import ErrorCode, NodeError


async def require_free(ports: Collection[int], host: str = "127.0.0.1") -> None:
    """Raise `NodeError` PORT_TAKEN when another program listens on one of the ports."""
    taken = await asyncio.to_thread(lambda: [port for port in ports if not _is_free(host, port)])
    if taken:
        raise NodeError(
            ErrorCode.PORT_TAKEN,
            f"another program already listens on {host}, port {', '.join(map(str, taken))}",
            hint="stop that program ('ss -ltnp' names it), then try again",
            data={"ports": taken},
        )


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that lingers in TIME_WAIT does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
        return True
