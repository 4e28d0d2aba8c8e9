"""A wire between two Reticulum instances that loses packets: a TCP proxy that reads HDLC frames, and drops some."""

import asyncio
import random
from dataclasses import dataclass, field

from support.harness import APPS_AT

FLAG = b"\x7e"


@dataclass
class LossyWire:
    """Forwards connections to a port at which apps are found, and loses a share of the packets of both ways."""

    target: int
    """Port of the instance that listens."""
    loss: float
    """From 0 to 1."""
    seed: int = 17
    port: int = 0
    passed: int = 0
    lost: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "LossyWire":
        self._chance = random.Random(self.seed)
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(APPS_AT, self.target)
        pair = ((reader, their_writer), (their_reader, writer))
        self._tasks |= {asyncio.create_task(self._pump(source, sink)) for source, sink in pair}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Each packet begins and ends with a flag, which does not occur within."""
        try:
            rest = b""
            while chunk := await source.read(65536):
                *whole, rest = (rest + chunk).split(FLAG)
                for packet in filter(None, whole):
                    if self._chance.random() < self.loss:
                        self.lost += 1
                        continue
                    self.passed += 1
                    sink.write(FLAG + packet + FLAG)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()
