"""What a terminal and a command with an input share: the WebSocket, its end, and the entries in the audit log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from archipelago.api.services.registry import Services
from archipelago.api.services.security import AuditService
from archipelago.rpc.access import WEBSOCKET_PROTOCOL, Caller
from archipelago.rpc.record import end_on_record
from archipelago.rpc.streams.places import Places
from archipelago.rpc.streams.websocket import GOING_AWAY
from archipelago.security.audit.chain import AuditAction, Outcome
from archipelago.security.login.login import Login

CLOSE_TIMEOUT = 2.0
"""Seconds that a client has to take the end of its session."""
_MAX_MESSAGE = 64 << 10
_HEARTBEAT = 20.0


def new_socket() -> web.WebSocketResponse:
    """Return a WebSocket that notices a client which is gone, and bounds what one message has."""
    return web.WebSocketResponse(
        heartbeat=_HEARTBEAT, max_msg_size=_MAX_MESSAGE, timeout=CLOSE_TIMEOUT, protocols=(WEBSOCKET_PROTOCOL,)
    )


class TypedSessions:
    """The sessions of one kind that go on; all kinds share `places`."""

    def __init__(self, services: Services, places: Places) -> None:
        self._services = services
        self._login = services.of(Login)
        self._audit = services.of(AuditService)
        self._places = places
        self._open: set[web.WebSocketResponse] = set()

    async def close(self) -> None:
        """End all sessions, since the node stops."""
        await asyncio.gather(
            *(each.close(code=GOING_AWAY, message=b"the node stops") for each in tuple(self._open)),
            return_exceptions=True,
        )


async def until_the_first_ends(*parts: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Run the parts of a session side by side until one of them ends, and cancel the others; return all, ended."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return tasks


@asynccontextmanager
async def on_record(
    audit: AuditService, caller: Caller, action: str, subject: Mapping[str, str]
) -> AsyncIterator[Callable[[], None]]:
    """Write down that a session starts, before it does, and how it ended; yield what to call once it has started."""
    audited = AuditAction(
        who=caller.name, origin=caller.origin, action=action, subject=dict(subject), outcome=Outcome.BEGUN
    )
    async with end_on_record(audit, audited, await audit.record(audited)) as end:
        yield end.done
