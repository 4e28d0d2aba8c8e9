"""The RPC over real sockets: what JSON-RPC asks for, what is refused, and what nobody may do."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.errors import NUMBERS
from archipelago.rpc.methods.table import all_methods
from archipelago.rpc.server.server import RpcServer
from archipelago.storage.records.permissions import TOKEN_PERMISSIONS, Permission
from support.memory_node import OWNERS, MemoryNode
from support.rpc_server import RunningServer, rpc_server


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with rpc_server(tmp_path / "s") as server:
        yield server


async def test_every_method_answers(running: RunningServer) -> None:
    given: dict[str, dict[str, Any]] = {
        "container-install": {"app": "electrumx", "options": {"x": 1}, "choices": {"bitcoin-rpc": "knots"}},
        "container-exec": {"app": "knots", "command": ["ls"]},
        "events-since": {"revision": 0},
        "data-start-empty": {"app": "knots", "volumes": ["chain"]},
        "data-claim": {"app": "knots", "evidence": ["0"]},
        "data-restore": {"app": "knots", "kept": "2026-11-29T08-40-00Z"},
        "data-delete": {"app": "knots", "kept": "2026-11-29T08-40-00Z"},
        "restore-preview": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z"},
        "snapshot-restore": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z"},
        "snapshot-delete": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z"},
        "snapshot-look": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z"},
        "snapshot-schedule-set": {"app": "knots", "every": "daily"},
        "snapshot-schedule-default": {"every": "off"},
        "update-automatic": {"app": "knots", "on": True},
        "onion-set": {"app": "knots", "endpoint": "page", "access": "clients"},
        "onion-key": {"app": "knots", "endpoint": "page"},
        "onion-key-renew": {"app": "knots", "endpoint": "page"},
        "onion-node-set": {"on": True},
        "update-hours-set": {"from_hour": 23, "to_hour": 3},
        "snapshot-files": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z"},
        "snapshot-file": {"app": "knots", "snapshot": "2026-11-29T08-40-00.000Z", "path": "volumes/x/y"},
        "snapshot-extract": {
            "app": "knots",
            "snapshot": "2026-11-29T08-40-00.000Z",
            "path": "volumes/x",
            "to": "/tmp/x",
        },
        "backup-target-add": {"target": "usb", "settings": {"kind": "folder", "path": "/media/usb"}},
        "backup-target-change": {"target": "usb", "scheduled": False},
        "backup-target-remove": {"target": "usb"},
        "backup-now": {"app": "knots", "target": "usb"},
        "backup-list": {"target": "usb"},
        "backup-restore-all": {"target": "usb"},
        "backup-preview": {"app": "knots", "target": "usb"},
        "backup-restore": {"app": "knots", "target": "usb"},
        "backup-extract": {"app": "knots", "target": "usb", "path": "volumes/x", "to": "/tmp/x"},
        "backup-check": {"target": "usb"},
        "backup-drill": {"app": "knots", "target": "usb"},
        "config-compare": {"app": "knots", "before": 1, "after": 2},
        "config-rollback": {"app": "knots", "number": 1},
        "rollback-preview": {"app": "knots", "number": 1},
        "change-preview": {"app": "knots", "change": "stop"},
        "container-repair": {"app": "knots", "repair": "reindex"},
        "repair-preview": {"app": "knots", "repair": "reindex"},
        "app-enter": {"site": "http://specter.localhost:8481", "state": "x" * 22},
    }
    for method in all_methods():
        if method.permission not in TOKEN_PERMISSIONS or method.permission is Permission.LOGIN:
            continue  # test_login_rules and test_login ask them
        params = given.get(method.name)
        if params is None:
            fields = method.params.model_fields
            params = {"app": "knots"} if "app" in fields else {"id": "op1"} if "id" in fields else {}
        answer = await running.call(method.name, **params)
        if method.confirms or method.name == "app-enter":
            assert answer["error"]["data"]["name"] in ("confirm", "forbidden"), (method.name, answer)
            continue
        assert "result" in answer, (method.name, answer)
    assert ("install", "electrumx", {"x": 1}, {"bitcoin-rpc": "knots"}, True) in running.node.apps.changes


async def test_dry_run_and_config_without_options_change_nothing(running: RunningServer) -> None:
    assert "apps" in (await running.call("container-install", app="electrumx", dry_run=True))["result"]
    assert (await running.call("container-config", app="knots"))["result"] == {"network": "regtest"}
    assert running.node.apps.changes == []
    await running.call("container-config", app="knots", reset=["network"])
    assert running.node.apps.changes == [("configure", "knots", {}, ("network",))]


async def test_an_error_has_number_name_and_hint(running: RunningServer) -> None:
    error = (await running.call("container-status", app="zip"))["error"]
    assert error["code"] == NUMBERS[ErrorCode.NOT_INSTALLED] == 1003
    assert error["data"] == {"name": "not-installed", "hint": "archipelago list shows what is"}
    error = (await running.call("container-install", app="zip"))["error"]
    assert error["data"] == {"name": "unknown-app", "hint": "", "nearest": "knots"}


def test_every_error_code_has_a_number_of_its_own() -> None:
    assert set(NUMBERS) == set(ErrorCode)
    assert len(set(NUMBERS.values())) == len(NUMBERS)


async def test_an_unforeseen_exception_tells_nothing(
    running: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await running.call("container-install", app="explode")
    assert answer["error"]["code"] == -32603
    assert "hunter2" not in json.dumps(answer) and "Traceback" not in json.dumps(answer)
    assert "hunter2" in capsys.readouterr().out  # the log has it


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"doctor"}', -32700),
        (b"\xff\xfe", -32700),
        (b'"\\ud800"', -32700),
        (b"[" * 100_000, -32700),
        (b'{"a":' * 100_000, -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b"null", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"doctor"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"doctor"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"doctor"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"doctor"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"doctor","params":[1]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"doctor","extra":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"__init__"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"doctor","params":{"x":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-logs","params":{"app":"knots","tail":"5"}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-logs","params":{"app":"knots","tail":1e9}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-status","params":{"app":"../../etc"}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-stop","params":{}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"operation-wait","params":{"id":"op1","timeout":61}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-exec","params":{"app":"knots","command":[]}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-exec","params":{"app":"knots","command":"ls"}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"container-remove","params":{"app":"knots","delete_data":1}}', -32602),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"container-config","params":{"app":"knots","options":{"a":'
            + b"9" * 400
            + b"}}}",
            -32602,
        ),
    ],
)
async def test_malformed_requests(running: RunningServer, body: bytes, code: int) -> None:
    status, answer = await running.post(body)
    assert (status, answer["error"]["code"]) == (200, code)
    assert running.node.apps.changes == []


async def test_all_problems_of_parameters_at_once(running: RunningServer) -> None:
    error = (await running.call("container-logs", tail=-1, zip=1))["error"]
    assert {problem["param"] for problem in error["data"]["problems"]} == {"app", "tail", "zip"}


async def test_batches_keep_their_order_and_leave_notifications_out(running: RunningServer) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "container-restart", "params": {"app": "knots"}},
        {"jsonrpc": "2.0", "method": "container-stop", "params": {"app": "knots"}},
        5,
        {"jsonrpc": "2.0", "id": None, "method": "system-info"},
    ]
    status, answers = await running.post(batch)
    assert status == 200
    assert [answer["id"] for answer in answers] == ["a", None, None]
    assert answers[1]["error"]["code"] == -32600
    assert answers[2]["result"]["revision"] == 2  # it sees what came before it
    assert [change[0] for change in running.node.apps.changes] == ["restart", "stop"]


async def test_a_batch_has_a_hundred_requests_at_most(running: RunningServer) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-restart", "params": {"app": "knots"}}
    assert len((await running.post([call] * 100))[1]) == 100
    running.node.apps.changes.clear()
    assert (await running.post([call] * 101))[1]["error"]["code"] == -32600
    assert running.node.apps.changes == []


async def test_notifications_are_carried_out_and_not_answered(running: RunningServer) -> None:
    notification = {"jsonrpc": "2.0", "method": "container-restart", "params": {"app": "knots"}}
    assert await running.post(notification) == (204, None)
    assert await running.post([notification] * 2) == (204, None)
    assert await running.post({"jsonrpc": "2.0", "method": "nonsense"}) == (204, None)
    assert len(running.node.apps.changes) == 3


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "localhost@evil", "", "localhost:x", "::1"]
)
async def test_a_name_that_is_not_the_host_is_refused(running: RunningServer, host: str) -> None:
    status, answer = await running.post({"jsonrpc": "2.0", "id": 1, "method": "container-list"}, Host=host)
    assert (status, answer["error"]["data"]["name"]) == (403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8480"])
async def test_names_of_the_host_are_taken(running: RunningServer, host: str) -> None:
    assert (await running.post({"jsonrpc": "2.0", "id": 1, "method": "container-list"}, Host=host))[0] == 200


async def test_only_its_own_origin_may_call(running: RunningServer) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-restart", "params": {"app": "knots"}}
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{running.server.port}", "http://127.0.0.1:1"):
        assert (await running.post(call, Origin=origin))[0] == 403
    assert (await running.post(call, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert running.node.apps.changes == []
    assert (await running.post(call, Origin=running.address))[0] == 200


async def test_the_page_of_an_app_may_send_a_browser_to_log_in_and_nowhere_else(running: RunningServer) -> None:
    shown = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

    async def status(path: str, **other: str) -> int:
        headers = {**shown, "Accept": "text/html", **{name.replace("_", "-"): text for name, text in other.items()}}
        async with aiohttp.ClientSession() as browser, browser.get(running.address + path, headers=headers) as answer:
            return answer.status

    there = await status("/", Sec_Fetch_Site="none")
    for dest in ("document", "empty"):
        assert await status("/enter?site=http://specter.localhost&state=x", Sec_Fetch_Dest=dest) == there != 403
    for path in ("/", "/login", "/enter/", "/apps", "/rpc/v1", "/openrpc.json", "/icons/specter"):
        assert await status(path) == 403, path
    for other in ({"Sec_Fetch_Dest": "iframe"}, {"Sec_Fetch_Mode": "no-cors"}, {"Origin": "http://evil.example"}):
        assert await status("/enter", **other) == 403, other


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_other_content_types_are_refused(running: RunningServer, content_type: str) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "container-restart", "params": {"app": "knots"}}
    status, answer = await running.post(call, **{"Content-Type": content_type})
    assert (status, answer["error"]["code"]) == (415, -32600)
    assert running.node.apps.changes == []


async def test_other_verbs_and_paths_are_refused_as_json(running: RunningServer) -> None:
    for verb, path, status in (("GET", "/rpc/v1", 405), ("OPTIONS", "/rpc/v1", 405), ("GET", "/../etc/passwd", 404)):
        async with running.session.request(verb, running.address + path) as response:
            assert response.status == status
            assert (await response.json())["error"]["code"] == -32600
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_every_answer_carries_the_security_headers(running: RunningServer) -> None:
    for path in ("/", "/healthz", "/openrpc.json", "/nowhere", "/logs?app=knots"):
        async with running.session.get(running.address + path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert response.headers["Origin-Agent-Cluster"] == "?1"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Server"] == "archipelago"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_the_document_names_every_method(running: RunningServer) -> None:
    async with running.session.get(f"{running.address}/openrpc.json") as response:
        document = await response.json()
    assert [each["name"] for each in document["methods"]] == [method.name for method in all_methods()]
    assert (await running.call("rpc.discover"))["result"] == document


# --- who may call ----------------------------------------------------------------------------------------------------


# --- sockets ---------------------------------------------------------------------------------------------------------


async def test_the_unix_socket_is_the_owners_alone(running: RunningServer, tmp_path: Path) -> None:
    for owners, status in ((OWNERS, 200), ({os.getuid() + 1}, 403)):
        path = tmp_path / str(status)
        server = RpcServer(running.node.services, owners)
        await server.start(path, 0)
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
            assert (await session.get("http://localhost/healthz")).status == status
        await server.stop()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(running.path))) as session,
        session.post("http://localhost/rpc/v1", json={"jsonrpc": "2.0", "id": 1, "method": "container-list"}) as found,
    ):
        assert (await found.json())["result"][0]["app"] == "knots"


async def test_a_taken_port_is_told(running: RunningServer, tmp_path: Path) -> None:
    with pytest.raises(NodeError) as caught:
        await RpcServer(running.node.services, OWNERS).start(tmp_path / "other", running.server.port)
    assert caught.value.code is ErrorCode.PORT_TAKEN and "ARCHIPELAGO_PORT" in caught.value.hint
    assert not (tmp_path / "other").exists()


async def test_a_socket_that_somebody_answers_on_is_left_alone(running: RunningServer) -> None:
    with pytest.raises(NodeError) as caught:
        await RpcServer(running.node.services, OWNERS).start(running.path, 0)
    assert caught.value.code is ErrorCode.PORT_TAKEN
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(running.path))) as session:
        assert (await session.get("http://localhost/healthz")).status == 200


async def test_a_stale_socket_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = RpcServer(MemoryNode().services, OWNERS)
    await server.start(path, 0)
    await server.stop()
    await server.stop()
    assert not path.exists()


async def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(NodeError):
        await RpcServer(MemoryNode().services, OWNERS).start(path, 0)
    assert path.read_text() == "precious"


async def test_a_change_goes_on_when_its_caller_hangs_up(running: RunningServer) -> None:
    running.node.changes.gate = asyncio.Event()
    call = asyncio.create_task(running.call("container-restart", app="knots"))
    await running.node.changes.entered.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    async with running.node.apps.changed:
        running.node.changes.gate.set()
        async with asyncio.timeout(20):
            await running.node.apps.changed.wait_for(lambda: running.node.apps.changes)
    assert running.node.apps.changes == [("restart", "knots")]
