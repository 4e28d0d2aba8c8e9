"""The program in the user namespace, as a process of this user's: what it refuses, and what it says then."""

import json
import os
import subprocess
import sys
from pathlib import Path

from archipelago.container import namespace_agent


def ask(root: Path, **request: object) -> dict[str, object]:
    """Have a new agent, which may touch what is below `root`, answer one request."""
    command = [sys.executable, "-I", namespace_agent.__file__, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdin is not None and agent.stdout is not None
        agent.stdin.write(json.dumps({"id": 1, **request}) + "\n")
        agent.stdin.flush()
        answer: dict[str, object] = json.loads(agent.stdout.readline())
        agent.stdin.close()
    return answer


def test_a_link_in_the_place_of_a_volume_is_refused_and_named(tmp_path: Path) -> None:
    root, disk = tmp_path / "volumes", tmp_path / "disk"
    root.mkdir()
    disk.mkdir()
    (root / "data").symlink_to(disk)
    answer = ask(root, do="directory", path=str(root / "data"), uid=os.geteuid(), gid=os.getegid())
    assert answer["ok"] is False and "a link" in str(answer["error"]) and f"--bind {disk}" in str(answer["error"])
