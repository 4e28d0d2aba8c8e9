"""Waits for a new run of an app: what the app was meanwhile may be over between two looks."""

import asyncio
from datetime import datetime
from typing import Any

from support.harness import CALL_TIMEOUT, TestNode


async def healthy_since(node: TestNode, app: str) -> datetime:
    """Return since when an app, which is healthy, is so."""
    found = (await node.until(app, "healthy"))["health"]
    return datetime.fromisoformat(found["since"])


async def until_healthy_again(node: TestNode, app: str, before: datetime) -> dict[str, Any]:
    """Return the status of an app once it is healthy and became so after it was at `before`."""
    async with asyncio.timeout(CALL_TIMEOUT):
        while True:
            revision = (await node.call("system-info"))["revision"]
            status = await node.call("container-status", app=app)
            health = status["health"]
            if health["state"] == "healthy" and datetime.fromisoformat(health["since"]) > before:
                return dict(status)
            await node.next_event(revision)
