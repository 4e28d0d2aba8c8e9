"""What is taken for a passkey, and what is not; with a real database."""

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.security.login.credentials.passwords import Cost, Passwords
from archipelago.security.login.login import Login
from archipelago.security.login.sessions.clocks import Clocks
from archipelago.storage.database import Database
from archipelago.storage.records.permissions import Permission, Role
from archipelago.storage.stores.accounts import AccountStore
from support.databases import new_database
from support.examples import examples
from support.memory_node import MemoryNode, dispatcher_of
from support.sealed_keys import Sealed
from support.soft_passkey import Device
from support.sources import HERE, SOCKET

SITE = "https://island.local:8480"
PASSWORD = "correct horse battery"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


class Scene:
    """A node with an owner and a viewer, its clock, and a device with a passkey of the owner there."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now, self.device = 1000.0, Device()

    async def open(self) -> None:
        """Begin as a start of the node does."""
        clocks = Clocks(lambda: self.now, lambda: self.now)
        self.login = Login(AccountStore(self.database), Sealed(), clocks, passwords=Passwords(Cost(1, 8, 1)))
        await self.login.open()
        self.passkeys = self.login.passkeys

    async def register(self, device: Device, site: str = SITE, user: str = "owner", **changes: Any) -> None:
        options = self.passkeys.begin("owner", SITE, SOCKET)
        await self.passkeys.confirm(user, "phone", device.create({**options, **changes}, site), SITE, SOCKET)

    async def enter(self, device: Device, site: str = SITE, **changes: Any) -> str:
        return await self.check(device.get({**self.passkeys.challenge(SITE), **changes}, site))

    async def check(self, answer: dict[str, Any]) -> str:
        """Log in by an answer; return as whom."""
        visitor = self.login.by_session((await self.login.log_in_by_passkey(answer, SITE, HERE)).session)
        assert visitor is not None
        return visitor.name


@asynccontextmanager
async def scenery(folder: Path) -> AsyncIterator[Scene]:
    """Give a node that knows one passkey."""
    database = await new_database(folder / "state.db")
    try:
        made = Scene(database)
        await made.open()
        await made.login.accounts.set_up(None, PASSWORD)
        await made.login.accounts.add("viewer", Role.VIEWER, PASSWORD, SOCKET)
        await made.register(made.device)
        yield made
    finally:
        await database.close()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scenery(tmp_path) as made:
        yield made


async def refused(work: Awaitable[object]) -> None:
    with pytest.raises(NodeError) as caught:
        await work
    assert caught.value.code is ErrorCode.WRONG_CREDENTIALS


async def test_a_passkey_is_known_again_also_by_the_next_daemon(node: Scene) -> None:
    assert await node.enter(node.device) == "owner"
    await node.open()
    assert await node.enter(node.device) == "owner"
    (view,) = node.passkeys.list("owner")
    assert view.used_at is not None and node.passkeys.list("viewer") == ()


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
        lambda node: node.enter(node.device, challenge=node.passkeys.begin("owner", SITE, SOCKET)["challenge"]),
        lambda node: node.enter(node.device, challenge=node.passkeys.challenge("https://other.local")["challenge"]),
    ],
)
async def test_what_only_looks_like_a_passkey_is_refused(
    node: Scene, attack: Callable[[Scene], Awaitable[object]]
) -> None:
    await refused(attack(node))
    assert len(node.passkeys.list(None)) == 1 and await node.enter(node.device) == "owner"


async def test_replayed_late_copied_forged_and_removed_ones_are_refused(node: Scene) -> None:
    answer = node.device.get(node.passkeys.challenge(SITE), SITE)
    assert await node.check(answer) == "owner"
    await refused(node.check(answer))
    late = node.device.get(node.passkeys.challenge(SITE), SITE)
    node.now += 301
    await refused(node.check(late))
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
        await node.passkeys.remove("viewer", view.id, SOCKET)
    await node.passkeys.remove("owner", view.id, SOCKET)
    await refused(node.enter(node.device))


async def test_an_answer_counts_once_also_from_a_device_that_does_not_count(node: Scene) -> None:
    still = Device()
    await node.register(still)
    for _ in range(3):
        still.count = -1  # it counts before it answers
        answer = still.get(node.passkeys.challenge(SITE), SITE)
        results = await asyncio.gather(*(node.check(answer) for _ in range(8)), return_exceptions=True)
        assert [each for each in results if not isinstance(each, NodeError)] == ["owner"]
        await refused(node.check(answer))


async def test_nobody_has_the_node_forget_the_challenge_of_another(node: Scene) -> None:
    answer = node.device.get(node.passkeys.challenge(SITE), SITE)
    challenges = {node.passkeys.challenge(SITE)["challenge"] for _ in range(3000)}
    assert len(challenges) == 3000
    assert await node.check(answer) == "owner"


async def test_a_challenge_for_a_new_passkey_ends_with_the_account_that_asked_for_it(node: Scene) -> None:
    options = node.passkeys.begin("viewer", SITE, SOCKET)
    await node.login.accounts.remove("viewer", SOCKET)
    await node.login.accounts.add("viewer", Role.OWNER, PASSWORD, SOCKET)
    device = Device()
    await refused(node.passkeys.confirm("viewer", "x", device.create(options, SITE), SITE, SOCKET))


@given(st.dictionaries(st.sampled_from(["id", "rawId", "type", "response", "x"]), json_values, max_size=5))
@settings(max_examples=examples(40))
def test_junk_is_refused_and_nothing_else_happens(junk: dict[str, Any]) -> None:
    async def work(folder: str) -> None:
        async with scenery(Path(folder)) as node:
            challenge = node.passkeys.challenge(SITE)["challenge"]
            client = base64.urlsafe_b64encode(json.dumps({"challenge": challenge}).encode()).decode().rstrip("=")
            for answer in (junk, {**junk, "response": {"clientDataJSON": client, "x": junk}}):
                await refused(node.check(answer))
                await refused(node.passkeys.confirm("owner", "x", answer, SITE, SOCKET))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(work(folder))


async def test_there_is_none_for_an_address(node: Scene) -> None:
    for site in ("http://127.0.0.1:8480", "https://[::1]", "", "https://192.168.1.5"):
        with pytest.raises(NodeError) as caught:
            node.passkeys.begin("owner", site, SOCKET)
        assert caught.value.code is ErrorCode.INVALID_VALUE


async def test_whose_passkey_an_owner_removes_is_told(node: Scene) -> None:
    device = Device()
    options = node.passkeys.begin("viewer", SITE, SOCKET)
    await node.passkeys.confirm("viewer", "phone", device.create(options, SITE), SITE, SOCKET)
    dispatcher = dispatcher_of(MemoryNode().services.provide(Login, node.login))
    caller = Caller("owner", frozenset(Permission), SOCKET.origin, trusted=True)
    for user, people in (("viewer", ("owner", "viewer")), ("owner", ("owner",))):
        (key,) = node.passkeys.list(user)
        call = {"jsonrpc": "2.0", "id": 1, "method": "passkey-remove", "params": {"id": key.id}}
        assert b"result" in (await dispatcher.answer(json.dumps(call).encode(), caller) or b"")
        for each in people:
            assert node.login.notices.list(each)[0].subject == user
        assert len(node.login.notices.list("viewer")) == 1
