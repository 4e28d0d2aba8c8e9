"""Mosquitto as devices use it: one says something, another hears it, and nobody else gets in."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.harness import APPS_AT, TestNode
from support.used_apps import node_with, password, port, restart

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
USED = {
    "mosquitto": "a device publishes and another one hears it, over MQTT with the node's password; what is kept stays"
}

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
RETAIN, AT_LEAST_ONCE = 0x01, 0x02
NOT_AUTHORIZED = 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[TestNode]:
    async with node_with("mosquitto") as running:
        yield running


def text(value: str) -> bytes:
    """Return text as MQTT has it: its length before it."""
    return len(value.encode()).to_bytes(2) + value.encode()


class Device:
    """A device that speaks MQTT 3.1.1 (docs.oasis-open.org/mqtt/mqtt/v3.1.1)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connected(cls, node: TestNode, name: str, secret: str | None, endpoint: str = "plain") -> "Device":
        """Return a device that has logged in; raises `PermissionError` where it is refused."""
        device = cls(*await asyncio.open_connection(APPS_AT, await port(node, "mosquitto", endpoint)))
        flags, who = (0xC2, text("owner") + text(secret)) if secret is not None else (0x02, b"")
        await device.send(CONNECT, text("MQTT") + bytes((4, flags, 0, 60)) + text(name) + who)
        kind, body = await device.receive()
        assert kind == CONNACK
        if body[1]:
            device.close()
            raise PermissionError(body[1])
        return device

    async def send(self, kind: int, body: bytes) -> None:
        """Send a packet; its body has less than 128 bytes."""
        self._writer.write(bytes((kind, len(body))) + body)
        await self._writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """Return the next packet: its kind with its flags, and its body."""
        kind, length = await self._reader.readexactly(2)
        return kind, await self._reader.readexactly(length)

    async def publish(self, topic: str, message: str, flags: int = 0) -> None:
        """Publish a message, and wait until the broker has it."""
        await self.send(PUBLISH | flags | AT_LEAST_ONCE, text(topic) + b"\0\x01" + message.encode())
        assert await self.receive() == (PUBACK, b"\0\x01")

    async def subscribe(self, topic: str) -> None:
        """Listen to a topic."""
        await self.send(SUBSCRIBE, b"\0\x02" + text(topic) + b"\0")
        assert await self.receive() == (SUBACK, b"\0\x02\0")

    async def heard(self) -> tuple[str, str]:
        """Return topic and text of the next message."""
        kind, body = await self.receive()
        assert kind & 0xF0 == PUBLISH, kind
        end = 2 + int.from_bytes(body[:2])
        return body[2:end].decode(), body[end:].decode()

    def close(self) -> None:
        self._writer.close()


async def test_a_message_is_heard_by_who_listens(node: TestNode) -> None:
    secret = await password(node, "mosquitto")
    async with asyncio.timeout(30):
        sensor, display = [await Device.connected(node, name, secret) for name in ("sensor", "display")]
        await display.subscribe("home/+/temperature")
        await sensor.publish("home/hall/door", "open")
        await sensor.publish("home/kitchen/temperature", "21.5")
        assert await display.heard() == ("home/kitchen/temperature", "21.5")
        for device in (sensor, display):
            device.close()


async def test_nobody_gets_in_without_the_password_that_the_node_made(node: TestNode) -> None:
    for secret in (None, "wrong"):
        with pytest.raises(PermissionError, match=str(NOT_AUTHORIZED)):
            await Device.connected(node, "stranger", secret)


async def test_what_a_device_wants_kept_is_there_after_a_restart_and_the_password_is_replaced(node: TestNode) -> None:
    secret = await password(node, "mosquitto")
    async with asyncio.timeout(200):
        sensor = await Device.connected(node, "sensor", secret)
        await sensor.publish("home/kitchen/light", "on", RETAIN)
        sensor.close()
        await restart(node, "mosquitto")
        display = await Device.connected(node, "display", secret, endpoint="tls")  # on the node itself without TLS
        await display.subscribe("home/kitchen/light")
        assert await display.heard() == ("home/kitchen/light", "on")
        display.close()
        await node.done(await node.call("secret-rotate", app="mosquitto", name="password"))
        await node.until("mosquitto", "healthy")
        with pytest.raises(PermissionError):
            await Device.connected(node, "sensor", secret)
        (await Device.connected(node, "sensor", await password(node, "mosquitto"))).close()
