"""Terminals that are asked for at the same moment."""

import asyncio
from typing import Any, cast

from archipelago.api.services.apps import ShellService
from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.errors import ErrorCode, NodeError
from archipelago.rpc.access import Caller
from archipelago.rpc.server.guard import CALLER
from archipelago.rpc.streams.places import Places
from archipelago.rpc.streams.terminals import MOST, Terminals
from archipelago.security.login.login import Login
from archipelago.storage.records.permissions import Permission


class SlowNode:
    """Takes its time to write down that a terminal is opened, and then has none."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()

    async def record(self, _deed: object) -> int:
        await self.goes_on.wait()
        return 1

    async def terminal(self, *_where: object, **_size: object) -> object:
        raise NodeError(ErrorCode.NOT_RUNNING, "it does not run")


class Request(dict[object, object]):
    """What is looked at of a request."""

    query: dict[str, str] = {"app": "app"}  # noqa: RUF012


async def test_no_more_are_opened_than_may_be_open() -> None:
    node = SlowNode()
    found = cast(Any, node)
    services = Services().provide(ShellService, found).provide(AuditService, found).provide(Login, cast(Any, None))
    terminals = Terminals(services, Places("terminals", 3 * MOST, MOST))
    caller = Caller(name="owner", origin="here", permissions=frozenset(Permission))

    async def ask() -> ErrorCode:
        try:
            await terminals.handle(cast(Any, Request({CALLER: caller})))
        except NodeError as error:
            return error.code
        raise AssertionError("nothing was opened")

    for _ in range(2):
        node.goes_on.clear()
        asked = [asyncio.create_task(ask()) for _ in range(3 * MOST)]
        for _ in range(10):
            await asyncio.sleep(0)  # each of them as far as it gets
        assert sum(not one.done() for one in asked) == MOST
        node.goes_on.set()
        codes = await asyncio.gather(*asked)
        assert codes.count(ErrorCode.BUSY) == 2 * MOST and codes.count(ErrorCode.NOT_RUNNING) == MOST
