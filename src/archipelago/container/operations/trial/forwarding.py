"""Leads ports of this host's loopback to the pages of a scratch copy, for as long as somebody looks at it."""

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from archipelago.backups.restic.launch import Launch, Order
from archipelago.container.manifest.loopback_places import LoopbackPlace, hidden_address
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.endpoints import EndpointKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_PATIENCE = 10.0


def page_ports(manifest: AppManifest) -> Mapping[str, int]:
    """Return the port of each page of an app, in its container, by the name of the endpoint. Pure."""
    return {name: each.port for name, each in sorted(manifest.endpoints.items()) if each.kind is EndpointKind.UI}


def page_address(manifest: AppManifest, name: str, place: LoopbackPlace) -> str:
    """Return the address of a page of an app at a place of this host's loopback. Pure."""
    return f"{manifest.endpoints[name].protocol.value}://{place}"


@contextlib.asynccontextmanager
async def forwarded(launch: Launch, pid: int, ports: Mapping[str, int]) -> AsyncIterator[Mapping[str, LoopbackPlace]]:
    """Yield the places of this host's loopback that lead to `ports` of the loopback of a process, by the same names.

    No login is in front of them. So each copy has an address of its own that nobody foresees: no page in a browser
    finds it, and no other app is sent the cookies of the copy. Raises `NodeError` where that cannot be.
    """
    if not ports:
        yield {}
        return
    text = await asyncio.to_thread(Path(__file__).with_name("forward_program.py").read_text, "utf-8")
    address = hidden_address(secrets.randbits(64))
    order = json.dumps({"address": str(address), "pid": pid, "ports": list(ports.values())})
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
        yield {name: LoopbackPlace(address, port) for name, port in zip(ports, json.loads(first.result()), strict=True)}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
