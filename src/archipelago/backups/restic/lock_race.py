"""Runs restic again where the lock of another one went at the moment at which it was looked at."""

from collections.abc import Callable

from archipelago.backups.restic.launch import Ended, Launch, Order
from archipelago.backups.restic.says import lost_lock

_ATTEMPTS = 5


async def past_lost_locks(launch: Launch, order: Order, on_line: Callable[[str], None]) -> Ended:
    """Run an order of restic. Locks come first, so an attempt that ends at one has done nothing yet."""
    for _ in range(_ATTEMPTS - 1):
        ended = await launch(order, on_line)
        if ended.code == 0 or not lost_lock(ended.errors):
            return ended
    return await launch(order, on_line)
