"""An event loop that does the work of threads itself, one turn later.

To start a thread and to hand work to it takes longer than most of that work, where files are in memory. A folder of
tests of which none waits for something else within a thread imports `pytest_asyncio_loop_factories` into its conftest.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any


class OneThreadLoop(asyncio.SelectorEventLoop):
    """What a thread would have done is done, as there, also if nobody waits for it any longer."""

    def turns(self) -> int:
        """Return after how many turns the next work is done."""
        return 1

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

        self.call_soon(wait, self.turns())
        return future


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Have the tests of a folder run in this loop."""
    return {"one-thread": OneThreadLoop}
