"""The log of a daemon that complains without end: a process, whose standard error is read."""

import subprocess
import sys
from pathlib import Path

SET_UP = """
import asyncio, errno, logging, structlog
from archipelago.daemon_log import on_loop_error, set_up_log
set_up_log(verbose=False)
async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(on_loop_error)
"""


def said_by(program: str) -> str:
    """Return what a daemon writes that does nothing but this."""
    body = "".join(f"    {line}\n" for line in program.splitlines())
    code = f"{SET_UP}{body}asyncio.run(main())\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_ten_thousand_complaints_are_a_few_lines() -> None:
    said = said_by("""
logger, node = logging.getLogger("asyncio"), structlog.get_logger("node")
error = OSError(errno.EMFILE, "Too many open files")
for number in range(10_000):
    logger.error("socket %d: accept() out of system resource", number)
    node.warning("it happens", number=number)
    loop.call_exception_handler({"message": "accept() out of system resource", "exception": error})
""")
    assert "Too many open files" in said and "it happens" in said and "socket 1:" in said
    assert said.count("\n") < 30 and len(said) < 8000


def test_a_loop_that_fails_again_and_again_says_so_a_few_times() -> None:
    said = said_by("for _ in range(1000): loop.call_soon(lambda: 1 / 0)\nawait asyncio.sleep(0.01)")
    assert 1 <= said.count("ZeroDivisionError") < 10, said[:2000]


def test_a_log_for_which_there_is_no_room_stops_nothing() -> None:
    code = f"""{SET_UP}
    for number in range(100):
        structlog.get_logger("node").error(f"no room for line {{number}}")
        logging.getLogger("asyncio").error(f"nor for line {{number}}")
    print("and goes on")
asyncio.run(main())
"""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60)
    assert done.stdout == "and goes on\n"


def test_a_long_line_is_cut_and_a_traceback_is_kept() -> None:
    said = said_by("""
try:
    raise RuntimeError("x" * 100_000)
except RuntimeError as error:
    loop.call_exception_handler({"message": "broken", "exception": error})
    logging.getLogger("aiohttp").error("broken", exc_info=error)
""")
    assert said.count("Traceback") == 2 and "characters left out" in said and len(said) < 20_000
