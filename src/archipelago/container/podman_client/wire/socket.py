"""The smallest question to Podman's socket: does anybody answer, which version, which process."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.podman_client.errors import PodmanCall, PodmanTimeout, PodmanUnavailable

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7), SO_PEERCRED
_MAX_REPLY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ping:
    """Who answered: the process that listens, and the version of its libpod API."""

    pid: int
    api_version: str


async def ping(path: Path, timeout: float) -> Ping:
    """Ask the service whether it is there; raise PodmanUnavailable, or PodmanTimeout when it is there and silent."""
    call = PodmanCall("ping the Podman service", str(path))
    try:
        async with asyncio.timeout(timeout):
            return await _ask(path, call)
    except TimeoutError:
        raise PodmanTimeout(call, f"no answer within {timeout:g} s") from None
    except (OSError, EOFError) as error:
        raise PodmanUnavailable(
            call, f"{error.strerror or error}" if isinstance(error, OSError) else "cut off"
        ) from error


async def _ask(path: Path, call: PodmanCall) -> Ping:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=_MAX_REPLY)
    try:
        peer: socket.socket = writer.get_extra_info("socket")
        pid, _, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        writer.write(b"GET /_ping HTTP/1.0\r\nHost: podman\r\n\r\n")
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise PodmanUnavailable(call, "the reply is not Podman's") from error
    finally:
        writer.close()
    status, *lines = head.split("\r\n")
    if " 200 " not in f"{status} ":
        raise PodmanUnavailable(call, f"the reply is {status!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Ping(pid, headers.get("libpod-api-version", ""))
