"""Ports of this host: is one free?"""

import asyncio
import errno
import socket
from collections.abc import Collection
from pathlib import Path

from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

SETTING = "net.ipv4.ip_unprivileged_port_start"
_FILE = Path("/proc/sys") / SETTING.replace(".", "/")
_USUAL_FIRST = 1024


def first_port() -> int:
    """Return the lowest port that a program without root's rights may listen on (ip-sysctl of the kernel)."""
    try:
        return int(_FILE.read_text())
    except (OSError, ValueError):
        return _USUAL_FIRST  # of kernels before 4.11, and of whatever else does not say


async def require_free(ports: Collection[int], host: str = "127.0.0.1") -> None:
    """Raise `NodeError` PORT_TAKEN when another program listens on one of the ports, or only root may."""
    problems = await asyncio.to_thread(lambda: {port: _errno(host, port) for port in ports})
    taken = [port for port, problem in problems.items() if problem == errno.EADDRINUSE]
    if taken:
        raise NodeError(
            ErrorCode.PORT_TAKEN,
            msg("another program already listens on {host}, port {taken}", host=host, taken=", ".join(map(str, taken))),
            hint=msg("stop that program ('ss -ltnp' names it), then try again"),
            data={"ports": taken},
        )
    privileged = [port for port, problem in problems.items() if problem == errno.EACCES]
    if privileged:
        raise NodeError(
            ErrorCode.PORT_TAKEN,
            msg(
                "only root may listen on port {privileged}, and the node is not root",
                privileged=", ".join(map(str, privileged)),
            ),
            hint=msg(
                "use a port from {lowest} on, or let root lower the limit: sysctl {setting}={privileged}",
                lowest=first_port(),
                setting=SETTING,
                privileged=min(privileged),
            ),
            data={"ports": privileged},
        )


def _errno(host: str, port: int) -> int:
    """Return why a port cannot be listened on, 0 where it can."""
    with socket.socket() as probe:
        # As servers do: a connection that lingers in TIME_WAIT does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno or 0
        return 0
