"""The small node in memory, which the tests of RPC and command line ask."""

import asyncio

from archipelago.api.services import Engine
from support.memory_engine import MemoryEngine


def test_the_engine_in_memory_is_an_engine() -> None:
    async def check() -> None:
        engine: Engine = MemoryEngine()
        assert engine.revision == 0

    asyncio.run(check())
