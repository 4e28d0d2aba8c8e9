"""A locked node: whom its owner does not wait for, with a real key and a real audit log."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from archipelago.api.services.security import AuditService
from archipelago.config import NodeConfig
from archipelago.errors import ErrorCode, NodeError
from archipelago.node.locked import LockedNode, unlock_from_file
from archipelago.rpc.access import Caller
from archipelago.rpc.methods.table import locked_methods
from archipelago.rpc.protocol import Dispatcher
from archipelago.rpc.refusals import Refusals
from archipelago.rpc.server.server import RpcServer
from archipelago.security.audit.chain import Outcome
from archipelago.security.keys import node_key
from archipelago.security.keys.node_key import KeyState, NodeKey, WrapCost
from archipelago.security.login.guessing.attempts import Source
from archipelago.storage.records.permissions import Permission
from support.sources import SOCKET

PASSPHRASE = "correct horse battery"
CHEAP = WrapCost(time=1, memory=64, threads=1)


@pytest.fixture
async def wrapped(tmp_path: Path) -> NodeKey:
    """Return a wrapped key as a start of the node finds it."""
    file = tmp_path / "node.key"
    NodeKey(file, lambda _: None, CHEAP).protect(PASSPHRASE, None)
    return NodeKey(file, lambda _: None, CHEAP)


class SlowHashes:
    """Hashes every passphrase but the right one only when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.at_once, self.most = threading.Event(), 0, 0
        self._derive, self._lock = node_key._derive, threading.Lock()
        monkeypatch.setattr(node_key, "_derive", self)

    def __call__(self, passphrase: str, salt: bytes, cost: WrapCost) -> bytes:
        if passphrase != PASSPHRASE:
            with self._lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            self.go_on.wait(60)
            with self._lock:
                self.at_once -= 1
        return self._derive(passphrase, salt, cost)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> SlowHashes:
    return SlowHashes(monkeypatch)


@pytest.fixture
async def node(tmp_path: Path, wrapped: NodeKey) -> AsyncIterator[LockedNode]:
    yield LockedNode(wrapped, NodeConfig(tmp_path, tmp_path / "run", tmp_path / "apps", 0))


async def test_the_owner_does_not_wait_for_the_passphrases_of_strangers(node: LockedNode, hashes: SlowHashes) -> None:
    guesses = [asyncio.create_task(node.unlock("a guess", Source(f"192.0.2.{number}"))) for number in range(80)]
    try:
        async with asyncio.timeout(20):
            while not hashes.at_once:
                await asyncio.sleep(0)
            await node.unlock(PASSPHRASE, SOCKET)
        assert await node.state() is KeyState.UNLOCKED
    finally:
        hashes.go_on.set()
        refused = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(each, NodeError) for each in refused)
    assert hashes.most == 1


async def test_a_key_is_restored_without_a_word_to_accounts_that_cannot_be_read(tmp_path: Path) -> None:
    before = NodeKey(tmp_path / "before.key", lambda _: None, CHEAP)
    words, identity = before.phrase(None), str(before.identity())
    config = NodeConfig(tmp_path, tmp_path / "run", tmp_path / "apps", 0)
    node = LockedNode(NodeKey(tmp_path / "node.key", lambda each: str(each) == identity, CHEAP), config)
    await node.start()
    dispatcher = Dispatcher(node.services, locked_methods(), Refusals(node.services.of(AuditService).record))
    call = {"jsonrpc": "2.0", "id": 1, "method": "key-restore", "params": {"words": words}}
    owner = Caller("owner", frozenset(Permission), SOCKET.origin, trusted=True)
    answer = json.loads(await dispatcher.answer(json.dumps(call).encode(), owner) or b"")
    assert answer.get("result", "missing") is None, answer
    assert await node.state() is KeyState.PLAIN and not config.database.exists()
    assert [each.outcome for each in await node.services.of(AuditService).newest(9)] == [Outcome.BEGUN, Outcome.DONE]


async def test_what_is_no_method_is_refused_as_methods_are(node: LockedNode, tmp_path: Path) -> None:
    server = RpcServer(node.services, {os.getuid()}, locked_methods())
    await server.start(tmp_path / "s", 0)
    try:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(tmp_path / "s"))) as session:
            for path in ("/logs?app=knots", "/logs?app=knots&follow=1", "/icons/knots"):
                async with session.get(f"http://localhost{path}") as response:
                    assert (await response.json())["error"]["data"]["name"] == ErrorCode.LOCKED, path
    finally:
        await server.stop()


@pytest.mark.parametrize("content", [PASSPHRASE, f"{PASSPHRASE}\n", f"{PASSPHRASE}\r\n"])
async def test_a_file_with_the_passphrase_unlocks(tmp_path: Path, wrapped: NodeKey, content: str) -> None:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(content, newline="")
    unlock_from_file(wrapped, file)
    assert wrapped.state() is KeyState.UNLOCKED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{PASSPHRASE}\nand a note\n".encode(), "not one line of text"),
        (b"\xff\xfe" + PASSPHRASE.encode(), "not one line of text"),
        (PASSPHRASE.encode() + b" " * 5000, "longer than 4096 bytes"),
    ],
)
async def test_a_file_with_more_than_the_passphrase_is_named(
    tmp_path: Path, wrapped: NodeKey, content: bytes, said: str
) -> None:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_bytes(content)
    with pytest.raises(NodeError, match=said) as refused:
        unlock_from_file(wrapped, file)
    assert str(file) in str(refused.value) and PASSPHRASE not in str(refused.value) and refused.value.hint
    assert wrapped.state() is KeyState.LOCKED
