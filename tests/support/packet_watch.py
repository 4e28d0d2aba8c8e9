"""Sees what leaves a container: all packets that its network namespace sends, where they go and how they begin.

The file is also the program that watches, within the namespace.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

_ALL, _IPV4, _ARP, _IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
_OUTGOING = 4
_TCP, _UDP = 6, 17
_READY = "ready"
_LINK = ip_network("ff02::/16")
_SHOWN = 200


@dataclass(frozen=True)
class Packet:
    """One packet that left."""

    to: str
    """Address."""
    protocol: str
    """`tcp`, `udp`, or the number of another one."""
    port: int
    data: bytes
    """The first bytes of what it carries."""


@dataclass
class PacketWatch:
    """What has left since the watch began."""

    packets: list[Packet] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def places(self) -> set[tuple[str, str, int]]:
        """Where it went: address, protocol and port."""
        return {(packet.to, packet.protocol, packet.port) for packet in self.packets}

    def add(self, packet: Packet) -> None:
        """Note a packet."""
        self.packets.append(packet)
        self._came.set()

    async def until_sent(self, data: bytes) -> Packet:
        """Return the first packet that carries some bytes."""
        return await self._until(lambda packet: data in packet.data)

    async def until_to(self, to: str) -> Packet:
        """Return the first packet to an address."""
        return await self._until(lambda packet: packet.to == to)

    async def _until(self, wanted: Callable[[Packet], bool]) -> Packet:
        try:
            async with asyncio.timeout(30):
                while True:
                    self._came.clear()
                    for packet in filter(wanted, self.packets):
                        return packet
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"what left went to {sorted(self.places)}") from None


@contextlib.asynccontextmanager
async def watching(pid: str) -> AsyncIterator[PacketWatch]:
    """Watch the network namespace of a process of a container."""
    command = ("podman", "unshare", "nsenter", "--net", "--target", pid, sys.executable, "-I", str(Path(__file__)))
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, start_new_session=True)
    assert program.stdout is not None
    lines = program.stdout
    watch = PacketWatch()

    async def follow() -> None:
        async for line in lines:
            to, protocol, port, data = json.loads(line)
            watch.add(Packet(to, protocol, port, bytes.fromhex(data)))

    try:
        assert (await lines.readline()).decode().strip() == _READY
        following = asyncio.create_task(follow())
        try:
            yield watch
        finally:
            following.cancel()
    finally:
        # Podman's child is what watches, and holds the pipe.
        os.killpg(program.pid, signal.SIGKILL)
        await program.wait()


def _parsed(kind: int, data: bytes) -> Packet | None:
    """Return an IP packet; None where a packet stays on the link: address resolution, and multicast of the link."""
    if kind == _IPV4:
        start, number, to = (data[0] & 15) * 4, data[9], str(IPv4Address(data[16:20]))
    elif kind == _IPV6:
        address = IPv6Address(data[24:40])
        if address in _LINK:
            return None
        start, number, to = 40, data[6], str(address)
    else:
        return None if kind == _ARP else Packet("", f"0x{kind:04x}", 0, data[:_SHOWN])
    if number not in (_TCP, _UDP):
        return Packet(to, str(number), 0, data[start : start + _SHOWN])
    (port,) = struct.unpack_from("!H", data, start + 2)
    body = start + ((data[start + 12] >> 4) * 4 if number == _TCP else 8)
    return Packet(to, "tcp" if number == _TCP else "udp", port, data[body : body + _SHOWN])


def _watch() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL)) as wire:
        print(_READY, flush=True)
        while True:
            data, (interface, kind, way, *_) = wire.recvfrom(65535)
            if interface != "lo" and way == _OUTGOING and (packet := _parsed(kind, data)) is not None:
                print(json.dumps([packet.to, packet.protocol, packet.port, packet.data.hex()]), flush=True)


if __name__ == "__main__":
    _watch()
