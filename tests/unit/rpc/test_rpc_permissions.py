"""Who may call which method, and what is recorded of it."""

import json

import pytest

from archipelago.api.services.security import AuditService
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.errors import NUMBERS
from archipelago.rpc.method import Family
from archipelago.rpc.methods.table import all_methods
from archipelago.security.audit.chain import AuditAction, Outcome
from archipelago.storage.records.permissions import Permission
from support.memory_node import MemoryNode, dispatcher_of
from support.memory_services.security import MemoryAudit


async def _nothing() -> str:
    return "done"


def test_a_method_without_permission_cannot_exist() -> None:
    with pytest.raises(TypeError):
        Family().method("x", "")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Family().method("x", "", permission=None)(_nothing)  # type: ignore[arg-type]


async def test_a_caller_without_the_permission_is_refused() -> None:
    node = MemoryNode()
    for method in all_methods():
        caller = Caller("guest", frozenset(Permission) - {method.permission}, "test")
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method.name, "params": {"app": "knots"}}).encode()
        answer = json.loads(await dispatcher_of(node.services).answer(body, caller) or b"")
        known = method.permission is Permission.LOGIN or len(caller.permissions) > 1
        assert answer["error"]["code"] == NUMBERS[ErrorCode.FORBIDDEN if known else ErrorCode.LOGIN_NEEDED], method.name
    assert node.apps.changes == []


async def test_a_refused_caller_is_on_record_and_so_is_what_changes_something_before_it_begins() -> None:
    node = MemoryNode()
    dispatcher = dispatcher_of(node.services)
    guest = Caller("guest", frozenset({Permission.READ}), "127.0.0.1")
    owner = Caller("owner", frozenset(Permission), "unix socket, uid 0")

    async def call(caller: Caller, method: str, **params: object) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        await dispatcher.answer(body, caller)

    await call(guest, "container-stop", app="knots")
    await call(owner, "container-list")
    await call(owner, "container-config", app="knots", options={"password": "hunter2"})
    await call(owner, "container-stop", app="nothing")
    await call(owner, "container-exec", app="knots", command=["login", "hunter2"])
    found = [(one.who, one.action, one.outcome, one.detail, one.began) for one in node.audit.entries]
    assert found == [
        ("guest", "container-stop", Outcome.REFUSED, "forbidden", None),
        ("owner", "container-config", Outcome.BEGUN, "", None),
        ("owner", "container-config", Outcome.DONE, "op1", 2),
        ("owner", "container-stop", Outcome.BEGUN, "", None),
        ("owner", "container-stop", Outcome.REFUSED, "not-installed", 4),
        ("owner", "container-exec", Outcome.BEGUN, "", None),
        ("owner", "container-exec", Outcome.DONE, "", 6),
    ]
    assert node.audit.entries[1].subject == {"app": "knots", "options": "password"}
    assert node.audit.entries[5].subject == {"app": "knots", "command": "login and 1 more", "timeout": "60"}
    assert all("hunter2" not in one.model_dump_json() for one in node.audit.entries)


async def test_what_cannot_be_written_down_is_not_done() -> None:
    class FullDisk(MemoryAudit):
        async def record(self, audited: AuditAction) -> int:
            raise NodeError(ErrorCode.DISK_FULL, "the disk is full")

    node = MemoryNode()
    node.services.provide(AuditService, FullDisk())
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "container-stop", "params": {"app": "knots"}}'
    answer = json.loads(
        await dispatcher_of(node.services).answer(body, Caller("owner", frozenset(Permission), "test")) or b""
    )
    assert answer["error"]["data"]["name"] == "disk-full"
    assert node.apps.changes == []


def test_whatever_changes_something_needs_more_than_reading() -> None:
    for method in all_methods():
        if method.mutates or method.name == "container-exec":
            assert method.permission not in (Permission.READ, Permission.DISCOVER)
            assert method.permission is not Permission.LOGIN or method.name in ("login", "login-setup", "passkey-login")
