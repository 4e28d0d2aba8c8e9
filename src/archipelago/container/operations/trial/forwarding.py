"""Leads ports of this host's loopback to the pages of a scratch copy, for as long as somebody looks at it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from archipelago.backups.restic.launch import Launch, Order
from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.endpoints import EndpointKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_PATIENCE = 10.0


def page_ports(manifest: AppManifest) -> Mapping[str, int]:
    """Return the port of each page of an app, in its container, by the name of the endpoint. Pure."""
    return {name: each.port for name, each in sorted(manifest.endpoints.items()) if each.kind is EndpointKind.UI}


def page_address(manifest: AppManifest, name: str, port: int) -> str:
    """Return the address of a page of an app at a port of this host's loopback. Pure."""
    return f"{manifest.endpoints[name].protocol.value}://{LOOPBACK}:{port}"


@contextlib.asynccontextmanager
async def forwarded(launch: Launch, pid: int, ports: Mapping[str, int]) -> AsyncIterator[Mapping[str, int]]:
    """Yield the ports of this host's loopback that lead to `ports` of the loopback of a process, by the same names.

    Raises `NodeError` where that cannot be.
    """
    if not ports:
        yield {}
        return
    text = await asyncio.to_thread(Path(__file__).with_name("forward_program.py").read_text, "utf-8")
    order = json.dumps({"address": str(LOOPBACK), "pid": pid, "ports": list(ports.values())})
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_line(line: str) -> None:
        if not first.done():
            first.set_result(line)

    running = asyncio.ensure_future(launch(Order((sys.executable, "-I", "-c", text, order)), on_line))
    try:
        await asyncio.wait((running, first), timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            error = running.result().errors[-300:] if running.done() else msg("no answer in time")
            raise NodeError(
                ErrorCode.INTERNAL, msg("the copy cannot be reached from this machine: {error}", error=error)
            )
        yield dict(zip(ports, json.loads(first.result()), strict=True))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
