"""A server of the RPC over real sockets, with a node in memory behind it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from archipelago.rpc.server.server import RpcServer
from support.memory_node import OWNERS, MemoryNode

JSON = {"Content-Type": "application/json"}


class RunningServer:
    """A server, its node in memory, and a client of both its sockets."""

    def __init__(self, node: MemoryNode, server: RpcServer, path: Path, session: aiohttp.ClientSession) -> None:
        self.node = node
        self.server = server
        self.path = path
        self.session = session
        self.address = f"http://127.0.0.1:{server.port}"

    async def post(self, body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(f"{self.address}/rpc/v1", data=data, headers=JSON | headers) as response:
            text = await response.read()
            return response.status, json.loads(text) if text else None

    async def call(self, method: str, **params: Any) -> Any:
        return (await self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))[1]


@asynccontextmanager
async def rpc_server(path: Path) -> AsyncIterator[RunningServer]:
    """Serve a node in memory at a Unix socket and at a port that is free."""
    node = MemoryNode()
    server = RpcServer(node.services, OWNERS)
    await server.start(path, 0)
    try:
        async with aiohttp.ClientSession(headers=await node.headers()) as session:
            yield RunningServer(node, server, path, session)
    finally:
        await server.stop()
