"""The time of a build: what another build takes does not count."""

import asyncio

from archipelago.container.images.build.sandbox import BuildClock


async def test_the_time_of_a_build_stands_still_while_another_one_has_its_turn() -> None:
    now = 100.0
    lock = asyncio.Lock()
    clock = BuildClock(60.0, lambda: now)
    waiting = asyncio.Event()

    async def run() -> tuple[float, float]:
        nonlocal now
        waiting.set()
        async with clock.turn(lock):
            before = clock.left
            now += 7.0
            return before, clock.left

    await lock.acquire()
    now += 20.0  # between two commands
    running = asyncio.create_task(run())
    await waiting.wait()
    now += 1000.0
    lock.release()
    assert await running == (40.0, 33.0)
    assert not lock.locked()
