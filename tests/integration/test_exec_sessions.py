"""Commands in a container that are given up: nothing of them goes on, whatever they started."""

from __future__ import annotations

import asyncio
import time

import pytest

from archipelago.container.podman_client.errors import PodmanTimeout
from support.podman_fixtures import Corner

pytestmark = pytest.mark.timeout(300)

# In sessions of their own, orphaned, with an environment of their own, deaf, and all of it at once but the last.
_CHILDREN = """
busybox setsid sleep 7701 &
(busybox setsid sleep 7702 &)
(sleep 7703 >/dev/null 2>&1 </dev/null &)
env -i busybox sleep 7704 &
(trap '' HUP INT TERM; busybox setsid sh -c 'trap "" HUP INT TERM; (sleep 7705 &) ; sleep 7706' &)
busybox setsid env -i sh -c 'busybox sleep 7707 & wait' &
"""


async def command_lines(corner: Corner, name: str) -> list[list[str]]:
    """Return the words of the command lines of all processes in a container, apart from those that look for them."""
    script = "for each in /proc/[0-9]*; do busybox tr '\\0' ' ' <$each/cmdline; echo; done"
    done = await corner.podman.containers.exec(name, ["busybox", "sh", "-c", script])
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    return [words for words in lines if words and "/proc/[0-9]*;" not in words and "tr" not in words]


async def processes(corner: Corner, name: str) -> list[str]:
    """Return for how long each sleep in a container sleeps."""
    return sorted(words[-1] for words in await command_lines(corner, name) if "sleep" in words[:2])


async def until_running(corner: Corner, name: str, *sleeps: str) -> None:
    """Return once these sleep in a container: each look is a command of its own, and takes a while."""
    async with asyncio.timeout(60):
        while not set(sleeps) <= set(await processes(corner, name)):
            pass


async def require_left(corner: Corner, name: str, *sleeps: str) -> None:
    """Require that in a container these sleep and no others, once all has ended that has no time left to end."""
    until = time.monotonic() + 60
    while (found := await processes(corner, name)) != [*sleeps]:
        assert set(sleeps) <= set(found) and time.monotonic() < until, found


async def test_a_command_past_its_time_ends_with_all_that_it_started(corner: Corner) -> None:
    run, name = corner.podman.containers.exec, await corner.running()
    other = await corner.running("other", "sh", "-c", "sleep 6602 & sleep 6601")
    await run(name, ["sh", "-c", "busybox setsid sleep 6603 >/dev/null 2>&1 </dev/null &"])
    beside = asyncio.create_task(run(name, ["sh", "-c", "sleep 6604 & wait; echo $?"], timeout=300))
    await until_running(corner, name, "6603", "6604")
    await until_running(corner, other, "6601", "6602")
    with pytest.raises(PodmanTimeout):
        await run(name, ["sh", "-c", f"{_CHILDREN}sleep 7708"], timeout=1.5)
    await require_left(corner, name, "1000", "6603", "6604")  # others in the container go on
    assert await processes(corner, other) == ["6601", "6602"], "and so do other containers"
    beside.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beside
    await require_left(corner, name, "1000", "6603")


async def test_one_that_never_stops_forking_ends_as_well(corner: Corner) -> None:
    name = await corner.running()
    hop = "hop() { (sleep 0.02; hop) >/dev/null 2>&1 </dev/null & }"
    script = f"{hop}; busybox setsid sh -c '{hop}; hop; hop; hop' & sleep 7801"
    with pytest.raises(PodmanTimeout):
        await corner.podman.containers.exec(name, ["sh", "-c", script], timeout=1)
    await require_left(corner, name, "1000")
    assert not [words for words in await command_lines(corner, name) if "hop()" in words]


async def test_one_that_is_given_up_before_it_has_begun_does_not_begin_later(corner: Corner) -> None:
    name = await corner.running()

    async def give_up(number: int) -> None:
        command = ["sh", "-c", f"busybox setsid sleep {8800 + number} & sleep {9900 + number}"]
        with pytest.raises(PodmanTimeout):
            await corner.podman.containers.exec(name, command, timeout=0.002 * number)

    await asyncio.gather(*(give_up(number) for number in range(1, 13)))
    await require_left(corner, name, "1000")
