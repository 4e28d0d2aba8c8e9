"""The command, as a process of its own, and the server that it asks."""

import json
import os
import pty
import select
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.checkout import SOURCE, TESTS
from support.preloaded_python import PreloadedPython

COMMAND = "from archipelago.cli.main import main; main()"
SERVER = (
    "import asyncio, sys; from pathlib import Path; from support.memory_node import serve;"
    "asyncio.run(serve(Path(sys.argv[1])))"
)
_PATIENCE = 100.0
"""Seconds in which the command says something, or ends."""
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": f"{SOURCE}:{TESTS}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class CliNode:
    """A server that serves, and the command that asks it."""

    socket: Path
    port: int
    python: PreloadedPython
    """Runs the command."""

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "ARCHIPELAGO_SOCKET": str(self.socket),
            "ARCHIPELAGO_PORT": str(self.port),
            **more,
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        done = self.python.run(COMMAND, *arguments, environment=self.environment(**more))
        return subprocess.CompletedProcess(arguments, done.returncode, done.stdout.decode(), done.stderr.decode())

    def feed(self, text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the command with something on its standard input."""
        return self.python.run(COMMAND, *arguments, environment=self.environment(), given=text)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def type(self, *arguments: str, answer: bytes, columns: int = 120) -> tuple[int, str]:
        """Run the command at a terminal, type an answer, and return exit code and screen."""
        terminal, inner = pty.openpty()
        environment = self.environment(TERM="xterm", COLUMNS=str(columns))
        process = self.python.start(COMMAND, *arguments, environment=environment, streams=(inner, inner, inner))
        os.close(inner)
        os.write(terminal, answer)
        screen = b""
        while select.select([terminal], [], [], _PATIENCE)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break  # Linux says so when the other side is gone
            if not chunk:
                break
            screen += chunk
        os.close(terminal)
        return process.wait(), screen.decode()
