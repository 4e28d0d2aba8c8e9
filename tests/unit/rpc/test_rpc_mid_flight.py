"""Sessions that end while something is done for them: it is looked at again after each wait, not at the door alone."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from archipelago.api.apps import AppSummary
from archipelago.api.containers import LogLine
from archipelago.api.services.apps import AppReportService, LogService, ShellService
from archipelago.api.services.security import AuditService
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import CONFIRMATION, WEBSOCKET_PROTOCOL, Caller
from archipelago.rpc.method import Family
from archipelago.rpc.server.server import RpcServer
from archipelago.rpc.streams.terminals import MOST
from archipelago.rpc.streams.websocket import LOGGED_OUT
from archipelago.security.audit.chain import AuditAction, Outcome
from archipelago.security.login.guessing.attempts import Source
from archipelago.security.login.login import Start
from archipelago.storage.records.permissions import PERMISSIONS, Permission, Role
from support.memory_node import NOW, OWNERS, MemoryNode, dispatcher_of
from support.memory_services.apps import MemoryApps, MemoryReports
from support.memory_services.security import MemoryAudit
from support.memory_services.watched import MemoryLogs, MemoryShells

PASSWORD = "correct horse battery staple"


class SlowAudit(MemoryAudit):
    """Has every session end while it writes down, where the node says so."""

    def __init__(self, node: "SlowNode") -> None:
        super().__init__()
        self._node = node

    async def record(self, audited: AuditAction) -> int:
        number = await super().record(audited)
        if self._node.during_record and audited.outcome is Outcome.BEGUN:
            await self._node.end_all()
        return number


class SlowReports(MemoryReports):
    """Has every session end while it looks up, where the node says so."""

    def __init__(self, node: "SlowNode") -> None:
        super().__init__(node.apps)
        self._node = node

    async def summaries(self) -> tuple[AppSummary, ...]:
        if self._node.during_list:
            await self._node.end_all()
        return await super().summaries()


class TypedLogs(MemoryLogs):
    """Has the lines that a test puts there."""

    def __init__(self, apps: MemoryApps) -> None:
        super().__init__(apps)
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    async def follow_logs(
        self, app: str, container: str | None, tail: int
    ) -> AsyncGenerator[tuple[LogLine, ...], None]:
        while True:
            yield (LogLine(container="main", stream="stdout", at=NOW, text=await self.lines.get()),)


class SlowShells(MemoryShells):
    """Takes its time to find out that an app does not run."""

    def __init__(self, apps: MemoryApps) -> None:
        super().__init__(apps)
        self.opened = 0
        self.hold = asyncio.Event()

    async def terminal(self, app: str, container: str | None, columns: int, rows: int) -> Terminal:
        self.opened += 1
        await self.hold.wait()
        raise NodeError(ErrorCode.NOT_RUNNING, "it does not run")


class SlowNode(MemoryNode):
    """Has something happen while it writes down, or looks up."""

    def __init__(self) -> None:
        super().__init__()
        self.during_record = self.during_list = False
        self.audit: SlowAudit = SlowAudit(self)
        self.logs: TypedLogs = TypedLogs(self.apps)
        self.shells = SlowShells(self.apps)
        self.services.provide(AuditService, self.audit)
        self.services.provide(AppReportService, SlowReports(self))
        self.services.provide(LogService, self.logs)
        self.services.provide(ShellService, self.shells)

    async def begin(self) -> Start:
        """Set up, and log in."""
        await self.login.accounts.set_up(None, PASSWORD)
        return await self.login.log_in("owner", PASSWORD, None, Source("192.0.2.1"))

    async def end_all(self) -> None:
        """End every session."""
        for each in self.login.sessions(None, ""):
            await self.login.revoke_session(None, each.id)


@pytest.fixture
def node() -> SlowNode:
    return SlowNode()


@pytest.fixture
async def server(node: SlowNode, tmp_path: Path) -> AsyncIterator[RpcServer]:
    server = RpcServer(node.services, OWNERS)
    await server.start(tmp_path / "s", 0)
    yield server
    node.shells.hold.set()
    await server.stop()


@pytest.fixture
async def owner(server: RpcServer, node: SlowNode) -> AsyncIterator[aiohttp.ClientSession]:
    start = await node.begin()
    headers = {"Authorization": f"Bearer {start.session}", CONFIRMATION: start.confirmation}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as session:
        yield session


async def call(owner: aiohttp.ClientSession, *methods: str, **parameters: Any) -> list[str]:
    """Call methods in one batch; return the names of the errors, empty where there is none."""
    batch = [{"jsonrpc": "2.0", "id": n, "method": name, "params": parameters} for n, name in enumerate(methods)]
    async with owner.post("/rpc/v1", json=batch) as response:
        return [each["error"]["data"]["name"] if "error" in each else "" for each in await response.json()]


async def test_a_batch_goes_no_further_than_its_session(owner: aiohttp.ClientSession) -> None:
    said = await call(owner, "container-list", "logout", "container-list", "key-phrase", "login-status")
    assert said == ["", "", "login-needed", "login-needed", "login-needed"]


async def test_what_is_not_begun_when_the_session_ends_is_not_done(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    node.during_record = True
    assert await call(owner, "container-stop", app="knots") == ["login-needed"]
    assert node.apps.changes == []
    assert [each.outcome for each in node.audit.entries][-2:] == [Outcome.BEGUN, Outcome.REFUSED]


async def test_what_was_looked_up_is_not_shown_to_whose_session_has_ended(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    node.during_list = True
    assert await call(owner, "container-list") == ["login-needed"]


async def test_a_body_that_comes_late_finds_the_session_ended(owner: aiohttp.ClientSession, node: SlowNode) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc": "2.0", "id": 1, '
        await node.end_all()
        yield b'"method": "container-list"}'

    async with owner.post("/rpc/v1", data=body(), headers={"Content-Type": "application/json"}) as response:
        assert (await response.json())["error"]["data"]["name"] == "login-needed"


async def test_a_log_stream_ends_with_the_session_and_shows_no_later_line(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    async with owner.get("/logs?app=knots&follow=1") as response:
        node.logs.lines.put_nowait("before")
        assert json.loads(await response.content.readline())["text"] == "before"
        await node.end_all()
        node.logs.lines.put_nowait("after")
        async with asyncio.timeout(20):
            assert await response.content.read() == b""


async def test_a_websocket_shows_nothing_after_its_session(owner: aiohttp.ClientSession, node: SlowNode) -> None:
    secret = owner.headers["Authorization"].split()[1]
    plain = aiohttp.ClientSession(owner._base_url)
    async with plain, plain.ws_connect("/ws/v1", protocols=(WEBSOCKET_PROTOCOL, secret)) as socket:
        subscribe = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"kind": "logs", "app": "knots"}}
        await socket.send_json(subscribe)
        assert "result" in await socket.receive_json(timeout=20)
        await node.end_all()
        node.logs.lines.put_nowait("after")
        await socket.send_json(subscribe)
        message = await socket.receive(timeout=20)
        if message.type is aiohttp.WSMsgType.TEXT:  # it was read before the end was sent
            assert json.loads(message.data)["error"]["data"]["name"] == "login-needed"
            message = await socket.receive(timeout=20)
        assert message.data == LOGGED_OUT


async def test_no_terminal_is_opened_for_a_session_that_ends_meanwhile(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    node.during_record = True
    async with owner.get("/terminal?app=knots") as response:
        assert response.status == 401
    assert node.shells.opened == 0


async def test_a_terminal_that_never_opened_is_not_on_record_as_one_that_did(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    asked = asyncio.create_task(owner.get("/terminal?app=knots"))
    async with asyncio.timeout(10):
        while not node.shells.opened:
            await asyncio.sleep(0.01)
        asked.cancel()  # the caller hangs up before it is there
        while (last := node.audit.entries[-1]).outcome is Outcome.BEGUN:
            await asyncio.sleep(0.01)
    assert (last.action, last.outcome) == ("terminal", Outcome.FAILED)
    node.shells.hold.set()
    async with owner.get("/terminal?app=knots") as response:
        assert response.status == 409
    last = next(each for each in reversed(node.audit.entries) if each.action == "terminal" and each.detail)
    assert (last.outcome, last.detail) == (Outcome.REFUSED, "not-running")


async def test_a_command_that_is_typed_to_is_refused_with_its_reason(
    server: RpcServer, owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    async with owner.ws_connect("/exec", params={"app": "knots", "command": '["psql", "secret"]'}) as socket:
        last = json.loads(await socket.receive_str(timeout=10))
    assert last["error"]["data"]["name"] == "not-running"
    ended = next(each for each in reversed(node.audit.entries) if each.action == "container-exec")
    assert (ended.outcome, ended.detail) == (Outcome.REFUSED, "not-running")
    assert ended.subject == {"app": "knots", "command": "psql and 1 more"}, "the rest may be secret"
    for wrong in (
        {"command": "psql"},
        {"command": "[]"},
        {"command": '["a"]', "tty": "2"},
        {"command": '["a\\u0000"]'},
    ):
        async with owner.get("/exec", params={"app": "knots", **wrong}) as response:
            assert response.status == 400, wrong
    address = f"http://127.0.0.1:{server.port}/exec?app=knots"
    async with aiohttp.ClientSession() as stranger, stranger.get(address) as response:
        assert response.status == 401


async def test_terminals_are_no_more_than_there_may_be_though_all_are_asked_for_at_once(
    owner: aiohttp.ClientSession, node: SlowNode
) -> None:
    async def ask() -> str:
        async with owner.get("/terminal?app=knots") as response:
            return str((await response.json())["error"]["data"]["name"])

    asked = [asyncio.create_task(ask()) for _ in range(3 * MOST)]
    finished = asyncio.as_completed(asked)
    async with asyncio.timeout(10):
        assert [await next(finished) for _ in range(2 * MOST)] == ["busy"] * 2 * MOST
    node.shells.hold.set()
    assert [await each for each in finished] == ["not-running"] * MOST
    assert node.shells.opened == MOST
    assert await ask() == "not-running", "the places are free again"


async def test_a_session_without_an_account_is_nobodys(owner: aiohttp.ClientSession, node: SlowNode) -> None:
    await node.login._ledger.change(lambda book: book.remove_user("owner"))
    assert await call(owner, "container-list", "login-status") == ["login-needed", ""]


def test_what_looks_after_accounts_or_the_node_says_whether_it_asks_for_a_confirmation() -> None:
    async def handler() -> None: ...

    for permission in (Permission.ACCOUNT, Permission.ADMINISTER):
        for more in ({"mutates": True}, {"recorded": True}):
            with pytest.raises(TypeError):
                Family().method("x", "", permission=permission, **more)(handler)  # type: ignore[arg-type]


async def test_a_change_that_nobody_can_be_told_of_is_done_all_the_same(node: SlowNode) -> None:
    async def fail(*_: object) -> None:
        raise NodeError(ErrorCode.DISK_FULL, "the disk is full")

    start = await node.begin()
    node.login.notices.leave = fail  # type: ignore[method-assign]
    visitor = node.login.by_session(start.session)
    assert visitor is not None
    may = PERMISSIONS[Role.OWNER]
    caller = Caller("owner", may, "::1", session=visitor.session, confirmation=start.confirmation)
    parameters = {"name": "x", "permissions": ["read"]}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "token-create", "params": parameters})
    answer = await dispatcher_of(node.services).answer(body.encode(), caller)
    assert answer is not None and "result" in json.loads(answer)
