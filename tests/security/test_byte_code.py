"""The daemon runs code that it cannot have written itself, nor an app through it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.harness import ROOT, TestNode, running_node

pytestmark = pytest.mark.timeout(300)

_LOADED = """
import sys
import archipelago.daemon, archipelago.node.node, alembic
paths = {path for path in sys.path if path}
for module in list(sys.modules.values()):
    for name in ("__file__", "__cached__"):
        if isinstance(path := getattr(module, name, None), str):
            paths.add(path)
print("\\n".join(sorted(paths)))
"""


def writable(path: Path) -> list[Path]:
    """Return the path and those above it into which this user, who runs the daemon, may write."""
    return [one for one in (path, *path.parents) if os.path.exists(one) and os.access(one, os.W_OK)]


def test_nothing_that_the_daemon_loads_can_be_written_by_its_user() -> None:
    printed = subprocess.run([sys.executable, "-P", "-c", _LOADED], capture_output=True, text=True, check=True)
    paths = [Path(line) for line in printed.stdout.splitlines()]
    assert any(path.match("archipelago/node/__pycache__/node.*.pyc") for path in paths)
    open_ones = {str(path): found for path in paths if (found := writable(path))}
    # /tmp and the like stand above none of them.
    assert open_ones == {}


def test_what_is_compiled_is_there_before_the_start() -> None:
    """A start is no slower for it."""
    script = "import archipelago.node.node, sys, os; print([m.__cached__ for n, m in sys.modules.items() if n.startswith('archipelago') and not os.path.exists(m.__cached__)])"  # noqa: E501
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_running_daemon_writes_no_byte_code(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    before = (tmp_path / "apps").stat().st_ctime_ns
    async with running_node("code", apps=tmp_path / "apps", fresh=True) as node:
        assert node.process is not None
        environment = Path(f"/proc/{node.process.pid}/environ").read_bytes().split(b"\0")
        assert b"PYTHONDONTWRITEBYTECODE=1" in environment
        assert not [name for name in environment if name.startswith(b"PYTHONPYCACHEPREFIX")]
        assert _byte_code(node, since=before) == []


def _byte_code(node: TestNode, *, since: int) -> list[Path]:
    """Return the byte code below the node and its data that is from `since` (nanoseconds) or later.

    Images hold older byte code, which containers run and the daemon does not.
    """
    found = list[Path]()
    for place in (node.root, ROOT.parent):
        # Unlike a glob, this goes on where the node removes a folder meanwhile.
        for folder, _, files in os.walk(place):
            for path in (Path(folder, file) for file in files if file.endswith(".pyc")):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_ctime_ns >= since:
                        found.append(path)
    return found
