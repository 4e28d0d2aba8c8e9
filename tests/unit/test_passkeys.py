"""What is taken for a passkey, and what is not."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.login.passkeys import Passkeys
from archipelago.security.login.records import Passkey
from soft_passkey import Device

SITE = "https://island.local:8480"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


class Kept:
    """What a database keeps."""

    def __init__(self) -> None:
        self.keys: dict[str, Passkey] = {}

    async def save_passkey(self, passkey: Passkey) -> None:
        self.keys[passkey.id] = passkey

    async def remove_passkey(self, identity: str) -> None:
        del self.keys[identity]


class Scene:
    """A node, its clock, and a device with a passkey there."""

    def __init__(self) -> None:
        self.now, self.kept, self.device = 1000.0, Kept(), Device()
        self.passkeys = Passkeys(self.kept, lambda: self.now)  # type: ignore[arg-type]

    async def register(self, device: Device, site: str = SITE, user: str = "owner", **changes: Any) -> None:
        options = self.passkeys.begin("owner", SITE)
        await self.passkeys.confirm(user, "phone", device.create({**options, **changes}, site))

    async def enter(self, device: Device, site: str = SITE, **changes: Any) -> str:
        return await self.passkeys.check(device.get({**self.passkeys.challenge(SITE), **changes}, site))


async def scene() -> Scene:
    """Return a node that knows one passkey."""
    made = Scene()
    await made.register(made.device)
    return made


async def refused(work: Awaitable[object]) -> None:
    with pytest.raises(NodeError) as caught:
        await work
    assert caught.value.code is ErrorCode.WRONG_CREDENTIALS


async def test_a_passkey_is_known_again_also_by_the_next_daemon() -> None:
    node = await scene()
    assert await node.enter(node.device) == "owner"
    later = Passkeys(node.kept, lambda: node.now)  # type: ignore[arg-type]
    later.take(tuple(node.kept.keys.values()))
    assert await later.check(node.device.get(later.challenge(SITE), SITE)) == "owner"
    (view,) = later.list("owner")
    assert view.used_at is not None and later.list("viewer") == ()


@pytest.mark.parametrize(
    "attack",
    [
        lambda node: node.register(Device(verifies=False)),
        lambda node: node.register(Device(), "https://evil.example"),
        lambda node: node.register(Device(), rp={"id": "evil.example"}),
        lambda node: node.register(Device(), challenge="AAAA"),
        lambda node: node.register(Device(), user="viewer"),
        lambda node: node.register(node.device),
        lambda node: node.enter(Device()),
        lambda node: node.enter(node.device, "https://evil.example"),
        lambda node: node.enter(node.device, "http://island.local:8480"),
        lambda node: node.enter(node.device, rpId="evil.example"),
        lambda node: node.enter(node.device, challenge="AAAA"),
        lambda node: node.enter(node.device, challenge=node.passkeys.begin("owner", SITE)["challenge"]),
    ],
)
async def test_what_only_looks_like_a_passkey_is_refused(attack: Callable[[Scene], Awaitable[object]]) -> None:
    node = await scene()
    await refused(attack(node))
    assert len(node.kept.keys) == 1 and await node.enter(node.device) == "owner"


async def test_replayed_late_copied_forged_and_removed_ones_are_refused() -> None:
    node = await scene()
    answer = node.device.get(node.passkeys.challenge(SITE), SITE)
    assert await node.passkeys.check(answer) == "owner"
    await refused(node.passkeys.check(answer))
    late = node.device.get(node.passkeys.challenge(SITE), SITE)
    node.now += 301
    await refused(node.passkeys.check(late))
    node.device.count -= 2
    await refused(node.enter(node.device))
    node.device.count += 2
    forger = Device()
    forger.id, forger.count = node.device.id, 50
    await refused(node.enter(forger))
    lazy = Device(verifies=False)
    lazy.id, lazy.key, lazy.count = node.device.id, node.device.key, 60
    await refused(node.enter(lazy))
    (view,) = node.passkeys.list(None)
    with pytest.raises(NodeError):
        await node.passkeys.remove("viewer", view.id)
    await node.passkeys.remove("owner", view.id)
    await refused(node.enter(node.device))


@given(st.dictionaries(st.sampled_from(["id", "rawId", "type", "response", "x"]), json_values, max_size=5))
@settings(max_examples=60, deadline=None)
def test_junk_is_refused_and_nothing_else_happens(junk: dict[str, Any]) -> None:
    async def work() -> None:
        node = await scene()
        challenge = node.passkeys.challenge(SITE)["challenge"]
        client = base64.urlsafe_b64encode(json.dumps({"challenge": challenge}).encode()).decode().rstrip("=")
        for answer in (junk, {**junk, "response": {"clientDataJSON": client, "x": junk}}):
            await refused(node.passkeys.check(answer))
            await refused(node.passkeys.confirm("owner", "x", answer))

    asyncio.run(work())


def test_there_is_none_for_an_address() -> None:
    node = Scene()
    for site in ("http://127.0.0.1:8480", "https://[::1]", "", "https://192.168.1.5"):
        with pytest.raises(NodeError) as caught:
            node.passkeys.begin("owner", site)
        assert caught.value.code is ErrorCode.INVALID_VALUE
