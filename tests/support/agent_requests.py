"""Requests to the program in the user namespace, each to a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from archipelago.container.namespace.agent.program import agent_program


def ask(root: Path, **request: object) -> dict[str, object]:
    """Have a new agent, which may touch what is below `root`, answer one request."""
    command = [sys.executable, "-I", "-c", agent_program(), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdin is not None and agent.stdout is not None
        agent.stdin.write(json.dumps({"id": 1, **request}) + "\n")
        agent.stdin.flush()
        answer: dict[str, object] = json.loads(agent.stdout.readline())
        agent.stdin.close()
    assert agent.returncode == 0
    return answer
