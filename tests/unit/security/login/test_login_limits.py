"""What somebody who knows a part of what a login asks for cannot do with it."""

import json
from pathlib import Path
from typing import Any

import pyotp
import pytest

from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.security.audit.chain import Outcome
from archipelago.security.login.guessing.attempts import Attempts, Source
from archipelago.security.login.login import Login, Start
from archipelago.storage.records.permissions import ANYBODY, Role
from support.databases import new_database
from support.login_world import PASSWORD, World
from support.memory_node import MemoryNode, dispatcher_of
from support.sources import HERE, SOCKET


async def said(login: Login, source: Source, code: str | None) -> str:
    """Log in; return the name of the error, empty where there is none."""
    try:
        await login.log_in("owner", PASSWORD, code, source)
    except NodeError as error:
        return error.code.value
    return ""


@pytest.mark.parametrize("is_known", [True, False], ids=["device", "network"])
async def test_the_right_password_buys_no_guesses_at_the_code(tmp_path: Path, is_known: bool) -> None:
    world = World(tmp_path, await new_database(tmp_path / "state.db"))
    login = await world.owned()
    device = login.by_mark((await login.log_in("owner", PASSWORD, None, HERE)).device) if is_known else None
    source = Source("203.0.113.5", device=device)
    made = login.factors.begin("owner", "abc", SOCKET)
    await login.factors.confirm("owner", pyotp.TOTP(made.secret).at(world.now), SOCKET)
    answers = []
    for _ in range(20):
        answers.append(await said(login, source, "000000"))
        await said(login, source, None)
    looked_at = answers.count(ErrorCode.WRONG_CREDENTIALS.value)
    assert looked_at <= 8 and answers[-1] == ErrorCode.TOO_MANY.value
    # Once a session began, earlier mistakes of the same person's are forgotten.
    world.now += 2000
    assert [await said(login, source, None) for _ in range(9)] == [ErrorCode.SECOND_FACTOR.value] * 9
    assert await said(login, source, pyotp.TOTP(made.secret).at(world.now)) == ""
    await world.database.close()


class Calls:
    """Calls methods of a node."""

    def __init__(self, node: MemoryNode) -> None:
        self._dispatcher = dispatcher_of(node.services)

    async def __call__(self, caller: Caller, method: str, **params: object) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        answer: dict[str, Any] = json.loads(await self._dispatcher.answer(body, caller) or b"")
        return answer


def refuses(attempts: Attempts, origin: str) -> bool:
    """Make a wrong attempt; return whether it is not even looked at."""
    try:
        with attempts.attempt(Source(origin), "owner"):
            return False
    except NodeError:
        return True


@pytest.mark.parametrize("form", ["127.0.{0}.{1}", "::ffff:127.9.{0}.{1}"])
def test_whoever_takes_many_loopback_addresses_uses_up_nothing_of_strangers_elsewhere(form: str) -> None:
    attempts = Attempts(lambda: 0.0)
    looked_at = sum(not refuses(attempts, form.format(number // 200, number % 200 + 1)) for number in range(1000))
    assert looked_at <= 200
    assert not any(refuses(attempts, f"192.0.2.{number}") for number in range(100))


async def test_strangers_who_guess_do_not_hold_up_the_end_of_the_set_up() -> None:
    node = MemoryNode()
    call, nobody = Calls(node), Caller("nobody", ANYBODY, "192.0.2.1")
    for _ in range(5):
        refused = await call(nobody, "login", password="guess guess guess")
    assert refused["error"]["data"]["name"] == ErrorCode.TOO_MANY.value
    answer = await call(nobody, "login-setup", code=node.login.setup_code, password=PASSWORD)
    assert node.login.by_session(answer["result"]["session"]) is not None
    assert node.login.by_mark(answer["result"]["device"]) is not None


@pytest.mark.parametrize("is_logged_in", [True, False], ids=["session", "device"])
async def test_a_viewer_who_logs_in_without_end_does_not_fill_the_audit_log(is_logged_in: bool) -> None:
    node = MemoryNode()
    await node.login.accounts.set_up(None, PASSWORD)
    await node.login.accounts.add("eve", Role.VIEWER, PASSWORD, SOCKET)
    call, origin = Calls(node), "192.0.2.1"
    start = await node.login.log_in("eve", PASSWORD, None, HERE)
    for _ in range(250):
        device, visitor = node.login.by_mark(start.device), node.login.by_session(start.session)
        assert visitor is not None
        caller = Caller("nobody", ANYBODY, origin, device=device)
        if is_logged_in:
            caller = Caller("eve", visitor.permissions, origin, session=visitor.session, device=device)
        answer = await call(caller, "login", user="eve", password=PASSWORD)
        if "error" in answer:
            break
        start = Start(answer["result"]["session"], answer["result"]["device"], "")
    assert answer["error"]["data"]["name"] == ErrorCode.TOO_MANY.value
    assert sum(each.outcome is Outcome.DONE for each in node.audit.entries) <= 205


async def test_an_owner_logs_in_as_often_as_he_likes(tmp_path: Path) -> None:
    world = World(tmp_path, await new_database(tmp_path / "state.db"))
    login = await world.owned()
    start = await login.log_in("owner", PASSWORD, None, HERE)
    for _ in range(250):
        start = await login.log_in("owner", PASSWORD, None, Source("::1", device=login.by_mark(start.device)))
    await world.database.close()


@pytest.mark.parametrize("name", ["nobody", "node", "several", "owner"])
async def test_no_account_has_a_name_that_stands_for_somebody_else_in_the_audit_log(name: str) -> None:
    node = MemoryNode()
    accounts = node.login.accounts
    await accounts.set_up(None, PASSWORD)
    await accounts.add("heir", Role.OWNER, PASSWORD, SOCKET)
    await accounts.remove("owner", SOCKET)
    with pytest.raises(NodeError) as caught:
        await accounts.add(name, Role.VIEWER, PASSWORD, SOCKET)
    assert caught.value.code is ErrorCode.INVALID_VALUE and "audit log" in str(caught.value) and caught.value.hint
    assert [one.name for one in accounts.list()] == ["heir"]
    await accounts.add("owner", Role.OWNER, PASSWORD, SOCKET)
