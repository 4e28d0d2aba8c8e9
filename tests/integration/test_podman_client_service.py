"""The client's contract with a real Podman: the service's life and death, and events through both."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanUnavailable
from archipelago.container.podman_client.events import Events
from archipelago.container.podman_client.models import ContainerState, PodmanEvent, Resync
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.wire.socket import ping
from archipelago.support.process import find_processes, process_exit
from support.podman_fixtures import TEST_LABEL, Corner

pytestmark = pytest.mark.timeout(600)

PATIENCE = 100.0
"""Seconds for what takes a few on a busy machine."""


@pytest.fixture
def own_socket(podman_runtime: Path, tmp_path: Path) -> Path:
    """A socket of this test's own; its path is short, as a socket's must be."""
    return podman_runtime / f"own-{tmp_path.name[:20]}" / "podman.sock"


@pytest_asyncio.fixture
async def own(own_socket: Path, busybox_image: str) -> AsyncIterator[PodmanService]:
    """A service that may be killed."""
    async with PodmanService(own_socket, own_socket.with_suffix(".log")) as service:
        yield service


@pytest_asyncio.fixture
async def own_corner(own: PodmanService, tmp_path: Path) -> AsyncIterator[Corner]:
    """A corner that is reached through the service that may be killed."""
    async with PodmanClient(own) as client:
        mark = f"s{os.urandom(4).hex()}"
        corner = Corner(client, mark, {TEST_LABEL: mark})
        yield corner
        await corner.sweep()


async def test_it_starts_and_stops(own_socket: Path) -> None:
    service = PodmanService(own_socket, own_socket.with_suffix(".log"))
    await service.start()
    pid = service.pid
    assert pid and service.is_ours and service.api_version
    assert os.getsid(pid) != os.getsid(0), "Ctrl-C on our terminal does not reach it"
    await service.stop()
    await asyncio.wait_for(process_exit(pid), PATIENCE)
    assert not await asyncio.to_thread(own_socket.exists)
    with pytest.raises(PodmanUnavailable):
        await service.ensure()


async def test_a_second_daemon_finds_the_first_one_s_service(own: PodmanService) -> None:
    heir = PodmanService(own.socket_path, own.socket_path.with_suffix(".log"))
    await heir.start()
    assert heir.pid == own.pid and heir.is_ours
    watched = heir.pid
    assert watched
    os.kill(watched, signal.SIGKILL)
    await process_exit(watched)
    await asyncio.gather(heir.ensure(), own.ensure())
    await heir.stop()


async def test_a_service_that_lost_its_socket_to_another_one_still_ends(own: PodmanService) -> None:
    displaced = own.pid
    await asyncio.to_thread(own.socket_path.unlink)
    async with PodmanService(own.socket_path, own.socket_path.with_suffix(".log")) as heir:
        assert displaced and heir.pid != displaced
        await asyncio.to_thread(own.socket_path.with_name(f"{own.socket_path.name}.pid").unlink)
        await own.ensure()
        assert own.pid == heir.pid and not own.is_ours
        await own.stop()
        await asyncio.wait_for(process_exit(displaced), PATIENCE)
        assert (await ping(own.socket_path, 5)).pid == heir.pid, "its name in the file system is still there"


async def test_a_service_whose_start_was_given_up_is_not_left_behind(own_socket: Path) -> None:
    output = own_socket.parent.parent / f"{own_socket.parent.name}.log"
    os.mkfifo(output)  # opening it holds the start up until somebody reads
    service = PodmanService(own_socket, output)
    starting = asyncio.create_task(service.start())
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(own_socket.parent.exists):
            await asyncio.sleep(0.005)
        for _ in range(2):
            starting.cancel()
            await asyncio.sleep(0)
        with await asyncio.to_thread(output.open, "rb"):
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert _serving(own_socket) == []
            await service.stop()
    output.unlink()


async def test_a_start_that_is_given_up_before_it_answers_is_ended(own_socket: Path) -> None:
    silent = (sys.executable, "-c", "import signal; signal.pause()")
    service = PodmanService(own_socket, own_socket.with_suffix(".log"), command=silent)
    starting = asyncio.create_task(service.start())
    async with asyncio.timeout(PATIENCE):
        while not (found := await asyncio.to_thread(_serving, own_socket)):
            await asyncio.sleep(0.005)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await asyncio.wait_for(process_exit(found[0]), PATIENCE)
        assert service.pid is None


def _serving(socket: Path) -> list[int]:
    return find_processes(lambda process: str(socket).encode() in (process / "cmdline").read_bytes())


async def test_it_outlives_a_daemon_that_is_killed(own_socket: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from archipelago.container.podman_client.service import PodmanService\n"
        "async def main():\n"
        "    path = pathlib.Path(sys.argv[1])\n"
        "    await PodmanService(path, path.with_suffix('.log')).start()\n"
        "    print('up', flush=True)\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(own_socket), stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout and await asyncio.wait_for(daemon.stdout.readline(), PATIENCE) == b"up\n"
    daemon.kill()
    await daemon.wait()
    service = PodmanService(own_socket, own_socket.with_suffix(".log"))
    await service.start()
    pid = service.pid
    assert pid and service.is_ours
    async with PodmanClient(service) as client:
        assert (await client.version()).number >= (4, 3, 0)
    await service.stop()
    await asyncio.wait_for(process_exit(pid), PATIENCE)


async def test_a_killed_service_comes_back_by_itself(own: PodmanService) -> None:
    for _ in range(3):
        pid = own.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            await process_exit(pid)
            while own.pid in (None, pid):
                await asyncio.sleep(0.01)


async def test_calls_survive_the_death_of_the_service(own: PodmanService, own_corner: Corner) -> None:
    name = await own_corner.running()
    for _ in range(5):
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        assert (await own_corner.podman.containers.inspect(name)).state is ContainerState.RUNNING
    # In the middle of a call that takes long: stop is done again and finds its work done or does it.
    stop = asyncio.create_task(own_corner.podman.containers.stop(name, timeout=2))
    async with asyncio.timeout(PATIENCE):
        while (await own_corner.podman.containers.inspect(name)).state is ContainerState.RUNNING:
            await asyncio.sleep(0.01)  # no event tells that a container is being stopped
    assert own.pid
    os.kill(own.pid, signal.SIGKILL)
    await asyncio.wait_for(stop, PATIENCE)
    assert not (await own_corner.podman.containers.inspect(name)).state.is_up


async def test_creating_is_not_repeated_blindly(own: PodmanService, own_corner: Corner) -> None:
    made = []
    for number in range(12):
        task = asyncio.create_task(own_corner.podman.containers.create(own_corner.spec(f"n{number}")))
        await asyncio.sleep(0.001 * number)
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        try:
            made.append(await task)
        except PodmanUnavailable:
            await own.ensure()
        await own.ensure()
    listed = await own_corner.podman.containers.list(labels=dict(own_corner.labels))
    assert set(made) <= {one.id for one in listed}
    assert len({one.name for one in listed}) == len(listed)


async def test_a_command_that_is_no_podman_is_explained(own_socket: Path, tmp_path: Path) -> None:
    missing = PodmanService(own_socket, tmp_path / "log", command=("/nonexistent/podman",))
    with pytest.raises(PodmanUnavailable, match="cannot run"):
        await missing.start()
    failing = PodmanService(own_socket, tmp_path / "log", command=("sh", "-c", "echo no luck >&2; exit 3"))
    with pytest.raises(PodmanUnavailable, match="code 3: no luck"):
        await failing.start()
    with pytest.raises(PodmanUnavailable, match="does not start"):
        await failing.ensure()


async def test_events_tell_of_a_life(corner: Corner) -> None:
    seen: list[PodmanEvent] = []
    ready, over = asyncio.Event(), asyncio.Event()

    async def follow() -> None:
        async with aclosing(corner.podman.stream_events(labels=dict(corner.labels))) as events:
            async for event in events:
                if isinstance(event, Resync):
                    ready.set()
                    continue
                seen.append(event)
                if event.action == "remove":
                    over.set()

    task = asyncio.create_task(follow())
    await asyncio.wait_for(ready.wait(), PATIENCE)
    name = await corner.running("box", "sh", "-c", "exit 9")
    await corner.podman.containers.wait(name, timeout=PATIENCE)
    await corner.podman.containers.remove(name)
    await asyncio.wait_for(over.wait(), PATIENCE)
    task.cancel()
    actions = [event.action for event in seen if event.name == name]
    assert [action for action in actions if action in ("create", "start", "died", "remove")] == [
        "create",
        "start",
        "died",
        "remove",
    ]
    died = next(event for event in seen if event.action == "died")
    assert died.exit_code == 9 and abs((datetime.now(UTC) - died.time).total_seconds()) < 300
    assert {event.attributes[TEST_LABEL] for event in seen} == {corner.mark}


async def test_the_stream_of_events_survives_the_service(own: PodmanService, own_corner: Corner) -> None:
    queue: asyncio.Queue[PodmanEvent | Resync] = asyncio.Queue()

    async def follow() -> None:
        async for event in own_corner.podman.stream_events(labels=dict(own_corner.labels)):
            await queue.put(event)

    task = asyncio.create_task(follow())
    async with asyncio.timeout(PATIENCE):
        assert await queue.get() == Resync(0, None)
        await own_corner.running("before")
        while (await _event(queue)).action != "start":
            pass
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        while not isinstance(mark := await queue.get(), Resync):
            pass
        assert mark.attempt == 1 and mark.error
        await own_corner.running("after")
        while (event := await _event(queue)).action != "start":
            pass
        assert event.name == own_corner.name("after")
    task.cancel()


async def test_events_go_on_after_the_clock_was_set_back(corner: Corner) -> None:
    """Podman would send none until the clock has come to the moment since which it was asked."""
    ahead = 8 * 3600.0
    events = Events(corner.podman._transport, now=lambda: time.time() + ahead)
    queue: asyncio.Queue[PodmanEvent | Resync] = asyncio.Queue()

    async def follow() -> None:
        async for event in events.for_ever(labels=dict(corner.labels)):
            await queue.put(event)

    task = asyncio.create_task(follow())
    async with asyncio.timeout(PATIENCE):
        assert await queue.get() == Resync(0, None)
        ahead = 0.0
        assert isinstance(await queue.get(), Resync)
        await corner.running("after")
        while (await _event(queue)).action != "start":
            pass
    task.cancel()


async def _event(queue: asyncio.Queue[PodmanEvent | Resync]) -> PodmanEvent:
    event = await queue.get()
    assert isinstance(event, PodmanEvent)
    return event


async def test_a_mount_that_was_left_behind_is_taken_away(own: PodmanService, tmp_path: Path) -> None:
    folder = tmp_path / "merged"
    folder.mkdir()
    mounted = ("unshare", "mountpoint", "--quiet", str(folder))
    assert (await own.command("unshare", "mount", "-t", "tmpfs", "none", str(folder)))[0] == 0
    assert (await own.command(*mounted))[0] == 0
    assert await own.unmount(str(folder))
    assert (await own.command(*mounted))[0] != 0
    assert not await own.unmount(str(folder))
