"""An event loop that takes what is ready in any order, decided by a seed: each one is another way of things.

Work for threads is done in the loop itself, some turns later, so that a failure comes again with its seed.
"""

import asyncio
import random
from collections import deque

from support.one_thread_loop import OneThreadLoop


class ShuffledLoop(OneThreadLoop):
    """Runs tasks, and the work of threads, in an order that a seed decides."""

    _ready: deque[asyncio.Handle]
    """Of asyncio itself."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = random.Random()

    def turns(self) -> int:
        """Return after how many turns the next work is done."""
        return self.dice.randrange(6)

    def _run_once(self) -> None:
        ready = list(self._ready)
        self.dice.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)
        super()._run_once()  # type: ignore[misc]
