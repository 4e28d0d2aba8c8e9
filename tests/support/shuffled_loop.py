"""An event loop that takes what is ready in any order, decided by a seed: each one is another way of things.

Work for threads is done in the loop itself, some turns later, so that a failure comes again with its seed.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any


class ShuffledLoop(asyncio.SelectorEventLoop):
    """Runs tasks, and the work of threads, in an order that a seed decides."""

    _ready: deque[asyncio.Handle]
    """Of asyncio itself."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = random.Random()

    def _run_once(self) -> None:
        ready = list(self._ready)
        self.dice.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, work: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Do the work some turns later."""
        future = self.create_future()

        def wait(turns: int) -> None:
            if turns:
                self.call_soon(wait, turns - 1)
                return
            try:
                result = work(*arguments)
            except Exception as error:
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        self.call_soon(wait, self.dice.randrange(6))
        return future
