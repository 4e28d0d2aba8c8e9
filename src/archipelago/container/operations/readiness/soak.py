"""Whether an app that is ready after an update stays so: a version that crashes a moment later has not worked."""

import asyncio
from collections.abc import Callable, Collection

from archipelago.api.health import TROUBLED, Health
from archipelago.container.operations.readiness.situation import Situation
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.support.texts.text import msg


def has_slipped(before: Health, now: Health) -> bool:
    """Return whether an app that worked has crashed since, or does not answer. Pure."""
    return now.state in TROUBLED or now.restarts > before.restarts


async def soak(reconciler: Reconciler, apps: Collection[str], seconds: float) -> None:
    """Return once these apps have stayed up for so long, those that are to run. Raises `NodeError` NOT_HEALTHY.

    One that the node pauses has not: it may be what has filled the disk.
    """
    health: Callable[[str], Health] = reconciler.health
    before = {app: health(app) for app in apps if reconciler.desired.wanted(app) or reconciler.desired.is_paused(app)}
    slipped: list[str] = []

    def one_has() -> bool:
        slipped[:] = [
            app for app, known in before.items() if has_slipped(known, health(app)) or reconciler.desired.is_paused(app)
        ]
        return bool(slipped)

    try:
        async with asyncio.timeout(seconds if before else 0.0):
            await reconciler.changed.until(one_has)
    except TimeoutError:
        return
    raise Situation(reconciler.desired, health).error(slipped[0], msg("does not stay up"))
