"""Tests of programs: the command, the daemon's arguments, restic, scripts. They need neither Podman nor root.

So `uv run pytest tests/integration/programs` works in a bare clone as well.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli_node import ENVIRONMENT, SERVER, CliNode
from support.preloaded_python import PreloadedPython
from support.preloads import COMMANDS, DAEMON, SERVERS


@pytest.fixture(scope="package")
def servers() -> Iterator[PreloadedPython]:
    with SERVERS.started() as python:
        yield python


@pytest.fixture(scope="package")
def commands() -> Iterator[PreloadedPython]:
    with COMMANDS.started() as python:
        yield python


@pytest.fixture(scope="package")
def daemon_python() -> Iterator[PreloadedPython]:
    """Python that has what the daemon imports."""
    with DAEMON.started() as python:
        yield python


@pytest.fixture
def node(tmp_path: Path, servers: PreloadedPython, commands: PreloadedPython) -> Iterator[CliNode]:
    reading, writing = os.pipe()
    with open(os.devnull) as nothing, open(reading) as printed:
        streams = nothing.fileno(), writing, 2
        server = servers.start(SERVER, str(tmp_path / "s"), environment=ENVIRONMENT, streams=streams)
        os.close(writing)
        yield CliNode(tmp_path / "s", int(printed.readline()), commands)
        server.kill()
