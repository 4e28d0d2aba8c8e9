"""A client of the private Tor network that runs on the machine outside."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

_START_TIMEOUT = 120.0
_TRY = 20.0


async def _asked(host: str, port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    async with asyncio.timeout(_START_TIMEOUT):
        answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def start_network(host: str, port: int) -> "OnionClient":
    """Have the machine outside run a Tor network; return a client that has connected."""
    said = json.loads(await _asked(host, port, "/tor/start"))
    assert "problem" not in said, said["problem"]
    return OnionClient(said["join"], said["address"], said["socks"], said["control"], said["password"])


async def stop_network(host: str, port: int) -> None:
    """End it."""
    await _asked(host, port, "/tor/stop")


class Unreachable(Exception):
    """Tor could not connect to an onion service; the text is its code (RFC 1928, and proposal 304 of Tor)."""


@dataclass(frozen=True)
class OnionClient:
    """Asks for pages of onion services, with the keys that it was given."""

    joining: str
    """Lines of torrc(5) by which others join the network."""
    address: str
    socks: int
    control: int
    password: str

    async def know(self, url: str, key: str) -> None:
        """Have it show a key, in base32, to an onion service."""
        raw = base64.b64encode(base64.b32decode(key + "=" * (-len(key) % 8))).decode()
        await self._command(f"ONION_CLIENT_AUTH_ADD {_service(url)} x25519:{raw}")

    async def new_circuits(self) -> None:
        """Have it forget descriptors and circuits, as a client that starts."""
        await self._command("SIGNAL NEWNYM")

    async def refused(self, url: str) -> bool:
        """Return whether the onion service cannot be reached now.

        A client that knew it tries its old ways for a while, and has no answer.
        """
        try:
            await self._get(url, {})
        except (Unreachable, TimeoutError):
            return True
        return False

    async def page(self, url: str, within: float, headers: dict[str, str] | None = None) -> str:
        """Return a page with its head; a service that was just published may need a few tries."""
        deadline = time.monotonic() + within
        while True:
            try:
                return await self._get(url, headers or {})
            except (Unreachable, OSError, TimeoutError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.3)  # nobody is told when a descriptor has been published

    async def post(self, url: str, body: str, headers: dict[str, str]) -> str:
        """Return the answer to JSON that is sent."""
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        return await self._ask("POST", url, sent, body)

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection by SOCKS (RFC 1928); raises `Unreachable`."""
        reader, writer = await asyncio.open_connection(self.address, self.socks)
        try:
            writer.write(b"\x05\x01\x00")
            await reader.readexactly(2)
            writer.write(b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big"))
            answer = await reader.readexactly(10)
            if answer[1]:
                raise Unreachable(f"{answer[1]:02X}")
        except asyncio.IncompleteReadError as error:
            writer.close()
            raise Unreachable("the connection ended") from error
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _get(self, url: str, headers: dict[str, str]) -> str:
        return await self._ask("GET", url, headers, "")

    async def _ask(self, method: str, url: str, headers: dict[str, str], body: str) -> str:
        parts = urlsplit(url)
        async with asyncio.timeout(_TRY):
            reader, writer = await self.connect(str(parts.hostname), parts.port or 80)
            sent = {"Host": parts.netloc, **headers}
            path = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
            lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in sent.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode())
            answer = await reader.read()
            writer.close()
        if not answer:
            raise Unreachable("no answer")
        return answer.decode(errors="replace")

    async def _command(self, *commands: str) -> None:
        reader, writer = await asyncio.open_connection(self.address, self.control)
        for command in (f'AUTHENTICATE "{self.password}"', *commands):
            writer.write(f"{command}\r\n".encode())
            line = await reader.readline()
            assert line.startswith(b"25"), (command.split(" ")[0], line)
        writer.close()


def _service(url: str) -> str:
    return str(urlsplit(url).hostname).removesuffix(".onion")
