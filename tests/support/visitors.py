"""Browsers and programs that call a node over HTTP, from any address of this machine."""

from typing import Any

import aiohttp

from archipelago.rpc.access import CONFIRMATION, DEVICE
from support.harness import TestNode

PASSWORD = "correct horse battery staple"


class Visitor:
    """Somebody at an address, who keeps what the node's page would keep."""

    def __init__(self, node: TestNode, address: str = "127.0.0.1") -> None:
        connector = aiohttp.TCPConnector(local_addr=(address, 0))
        self._session = aiohttp.ClientSession(f"http://127.0.0.1:{node.port}", connector=connector)
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def send(self, body: Any) -> Any:
        """Return the answer to a request, or to a batch of them, as it is."""
        async with self._session.post("/rpc/v1", json=body, headers=self.headers) as response:
            assert response.status < 500, await response.text()
            return await response.json(content_type=None)

    async def get(self, path: str, **headers: str) -> int:
        """Return the status of a GET."""
        async with self._session.get(path, headers={**self.headers, **headers}) as response:
            return response.status

    async def ask(self, method: str, **parameters: Any) -> Any:
        """Return the result of a method, or the name of its error."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = await self.send(request)
        if "error" in answer:
            assert answer["error"]["data"]["name"] != "internal", answer
            return answer["error"]["data"]["name"]
        return answer["result"]

    async def enter(self, user: str = "owner", password: str = PASSWORD, **parameters: Any) -> Any:
        """Log in, and keep what a page keeps; return the result, or the name of the error."""
        answer = await self.ask("login", user=user, password=password, **parameters)
        if isinstance(answer, dict):
            self.headers |= {
                "Authorization": f"Bearer {answer['session']}",
                CONFIRMATION: answer["confirmation"],
                DEVICE: answer["device"],
            }
        return answer

    async def confirm(self, password: str = PASSWORD) -> Any:
        """Show the password once more; return the result, or the name of the error."""
        answer = await self.ask("login-confirm", password=password)
        if isinstance(answer, dict):
            self.headers[CONFIRMATION] = answer["confirmation"]
        return answer

    def leave(self) -> None:
        """Be logged in no longer, on a device that has been here."""
        for name in ("Authorization", CONFIRMATION):
            self.headers.pop(name, None)
