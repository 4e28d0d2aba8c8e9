"""The node's database on a full disk of Btrfs, which writes each page to a new place: changes are refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DISK = os.environ.get("ARCHIPELAGO_BTRFS_DISK", "")
WRITER = """
import asyncio, sys
from pathlib import Path
from archipelago.errors import NodeError
from archipelago.storage.database import Database

async def main():
    database = await Database(Path(sys.argv[1])).open()
    add = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
    await database.change(add, "kept", "x")
    print("open", flush=True)
    sys.stdin.readline()
    refused = 0
    for number in range(2000):
        try:
            await database.change(add, f"key-{number}", "x" * 4000)
        except NodeError as error:
            refused += 1
            assert error.code in ("disk-full", "internal"), error.code
    print("refused" if refused else "written", flush=True)
    sys.stdin.readline()
    await database.change(add, "later", "x")
    await database.close()

asyncio.run(main())
"""


@pytest.mark.skipif(not DISK, reason="there is no Btrfs here: 'make test' mounts it where the kernel has it")
def test_a_full_disk_is_refused_and_does_not_end_the_process() -> None:
    path, filler = Path(DISK) / "full-state.db", Path(DISK) / "filler"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        try:
            assert writer.stdout.readline() == "open\n"
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1M"], capture_output=True, check=False)
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}.4k", "bs=4k"], capture_output=True, check=False)
            writer.stdin.write("\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "refused\n", f"it ended: {writer.poll()}"
            for each in (filler, Path(f"{filler}.4k")):
                each.unlink()
            os.sync()
            writer.stdin.write("\n")
            writer.stdin.flush()
            assert writer.wait(100) == 0
        finally:
            writer.kill()
            for each in Path(DISK).glob("full-state.db*"):
                each.unlink()
            for each in Path(DISK).glob("filler*"):
                each.unlink()
