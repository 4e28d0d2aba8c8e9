"""A cancel ends a command, whatever it has left running with its output open; what it prints is read, up to a bound."""

import asyncio
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from archipelago.backups.restic import launch as module
from archipelago.backups.restic.launch import Order, launch, launch_here
from archipelago.errors import NodeError

SCRIPT = """
import os, signal
gate = os.open({gate!r}, os.O_RDONLY | os.O_NONBLOCK)
if os.fork() == 0:
    {leave}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(os.getpid(), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("leave", ["pass", "os.setsid()"])
async def test_a_cancel_ends_though_a_child_keeps_the_output_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leave: str
) -> None:
    monkeypatch.setattr(module, "_DRAIN", 0.1)
    start, launchers = asyncio.create_subprocess_exec, list[asyncio.subprocess.Process]()

    async def noted(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        launchers.append(await start(*command, **options))
        return launchers[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    told: asyncio.Queue[str] = asyncio.Queue()
    order = Order((sys.executable, "-I", "-c", SCRIPT.format(gate=str(tmp_path / "gate"), leave=leave)))
    work = asyncio.create_task(launch(order, told.put_nowait, enter=("unshare", "--user", "--map-root-user")))
    child = int(await told.get())
    writer = os.open(tmp_path / "gate", os.O_WRONLY)
    os.close(gate)
    reader = select.poll()
    reader.register(writer, 0)
    try:
        work.cancel()
        done, _ = await asyncio.wait([work], timeout=100)
        assert done == {work} and work.cancelled()
        if leave != "pass":
            os.kill(child, signal.SIGKILL)  # in a session of its own, it is out of reach
        assert await asyncio.to_thread(reader.poll, 100_000) == [(writer, select.POLLERR)], "nothing of it is left"
        for stream in (launchers[0].stdout, launchers[0].stderr):
            assert stream is not None and not await stream.read(), "and the output has its end"
    finally:
        if not reader.poll(0):
            os.kill(child, signal.SIGKILL)
        os.close(writer)


async def test_long_errors_are_read_to_their_end() -> None:
    script = "import sys; sys.stderr.write('x' * 10_000_000 + '\\nFatal: the end\\n'); print('a\\n\\nb', end='')"
    lines: list[str] = []
    async with asyncio.timeout(100):
        ended = await launch_here(Order((sys.executable, "-I", "-c", script)), lines.append)
    assert lines == ["a", "", "b"]
    assert ended.errors.endswith("\nFatal: the end")


async def test_a_line_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archipelago.backups.restic.launch._LONGEST_LINE", 1 << 20)
    script = "while True: print('x' * 65536, end='')"
    async with asyncio.timeout(100):
        with pytest.raises(NodeError, match="too much in one line"):
            await launch_here(Order((sys.executable, "-I", "-c", script)), lambda _: None)
