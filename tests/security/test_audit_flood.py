"""Strangers who are refused again and again: the audit log, and the disk, stay the owner's."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from archipelago.errors import NodeError
from archipelago.security.audit.chain import AuditAction, Outcome
from archipelago.security.audit.log import AuditLog
from support.cheap_passwords import CHEAP
from support.harness import TestNode, remove_leftovers, running_node
from support.small_disk import small_disk

pytestmark = pytest.mark.timeout(400)

PASSWORD = "correct horse battery staple"
ADDRESSES = 25
EACH = 60
MOST_ENTRIES = 500
"""What so many refusals may leave behind; before, each left one or two."""

Body = dict[str, Any] | list[Any]


def call(method: str, **params: object) -> dict[str, Any]:
    """Return a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


WRONG: list[Body] = [
    call("user-list"),
    call("login", password="wrong"),
    call("passkey-login", credential={}),
    call("login-setup", code="wrong", password="wrong"),
    call("nonsense"),
    {"jsonrpc": "1.0"},
    [call("login", password="wrong") for _ in range(10)],
]


async def refuse(node: TestNode, address: str, headers: dict[str, str]) -> int:
    """Send from an address what is refused, and return how much of it was."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    refused = 0
    async with aiohttp.ClientSession(f"http://127.0.0.1:{node.port}", connector=connector, headers=headers) as session:
        for number in range(EACH):
            host = {"Host": "evil.example"} if number % 20 == 19 else {}
            body = WRONG[number % len(WRONG)]
            async with session.post("/rpc/v1", json=body, headers=host) as response:
                text = await response.text()
                assert response.status < 500 and '"result"' not in text, text
                refused += text.count('"error"')
    return refused


async def test_thousands_of_refusals_leave_a_bounded_number_of_entries(tmp_path: Path) -> None:
    remove_leftovers()
    async with running_node("audit-flood", apps=tmp_path, environment=CHEAP) as node:
        await node.call("password-set", user="owner", password=PASSWORD)
        token = await node.call("token-create", name="watcher", permissions=["read"])
        before = (await node.call("audit-show", limit=1))[0]["sequence"]
        bearer = {"Authorization": f"Bearer {token['secret']}"}
        found = await asyncio.gather(
            *(refuse(node, f"127.0.1.{number + 1}", {}) for number in range(ADDRESSES)),
            *(refuse(node, f"127.0.2.{number + 1}", bearer) for number in range(4)),
        )
        assert sum(found) > 3000
        # The owner's own are all there, in order.
        for number in range(20):
            await node.call("token-create", name=f"t{number}", permissions=["read"])
        entries = await node.call("audit-show", limit=1000)
        assert entries[-1]["sequence"] - before - 40 < MOST_ENTRIES
        own = [entry for entry in entries if entry["action"] == "token-create" and entry["sequence"] > before]
        assert [entry["outcome"] for entry in own] == ["begun", "done"] * 20
        await node.stop()
        await node.start()
        entries = await node.call("audit-show", limit=1000)
        # One for each span of time; on a busy machine the flood lasts longer than one.
        summed = [entry for entry in entries if entry["action"] == "refusals"]
        assert 1 <= len(summed) < 10 and all(len(entry["subject"]) <= 9 for entry in summed)
        assert sum(int(entry["detail"].split()[0]) for entry in summed) > 2500
        verdict = await node.call("audit-verify")
        assert verdict["faults"] == []
        size = sum(path.stat().st_size for path in (node.root / "logs" / "audit").glob("*"))
        assert size < 256 << 10
        assert (node.root / "daemon.log").stat().st_size < 64 << 10
        database = (node.root / "state.db").stat().st_size
        assert database < 1 << 20, "strangers write nothing to the database"


async def record(log: AuditLog, who: str, outcome: Outcome, began: int | None = None) -> bool:
    """Write an entry; tell whether it is on the disk."""
    audited = AuditAction(who=who, origin="127.0.0.1", action="x", outcome=outcome, began=began, detail="y" * 100)
    try:
        await log.record(audited)
    except NodeError as error:
        assert error.code == "disk-full", error
        return False
    return True


async def test_on_a_full_disk_the_owners_entries_have_room_that_strangers_cannot_take(tmp_path: Path) -> None:
    with small_disk(size="6m") as disk:
        log = AuditLog(disk / "audit", disk / "identity.key", lambda: datetime.now(UTC), largest_file=64 << 10)
        await log.open()
        assert await record(log, "owner", Outcome.DONE)
        with (disk / "filler").open("wb", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while filler.write(b"x" * size):
                        pass
                except OSError:
                    continue
        # A few may still go where a file ends within what a disk gives at once.
        refused = [await record(log, "nobody", Outcome.REFUSED) for _ in range(1000)]
        assert refused.count(True) < 400 and not any(refused[-100:])
        begun = [await record(log, "nobody", Outcome.BEGUN) for _ in range(2500)]
        assert begun.count(True) > 50 and not any(begun[-100:])
        for number in range(150):  # past the end of a file, where another one would begin
            assert await record(log, "owner", Outcome.BEGUN), number
            assert await record(log, "owner", Outcome.DONE, began=1), number
        assert (await log.verify()).faults == ()
        again = AuditLog(disk / "audit", disk / "identity.key", lambda: datetime.now(UTC), largest_file=64 << 10)
        await again.open()
        assert not await record(again, "nobody", Outcome.REFUSED)
        assert await record(again, "owner", Outcome.DONE)
        (disk / "filler").unlink()
        assert await record(again, "nobody", Outcome.REFUSED)
        assert (await again.verify()).faults == ()
        await again.drop_old_refusals()
        assert (await again.verify()).faults == ()
        assert json.loads((disk / "audit" / "head.json").read_bytes().splitlines()[0])["signature"]
