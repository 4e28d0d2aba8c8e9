"""Fixtures of the tests of the command."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli_node import ENVIRONMENT, SERVER, CliNode
from support.preloaded_python import PreloadedPython
from support.preloads import COMMANDS, SERVERS, preloaded


@pytest.fixture(scope="package")
def servers(pytestconfig: pytest.Config) -> Iterator[PreloadedPython]:
    with preloaded(SERVERS, pytestconfig) as python:
        yield python


@pytest.fixture(scope="package")
def commands(pytestconfig: pytest.Config) -> Iterator[PreloadedPython]:
    with preloaded(COMMANDS, pytestconfig) as python:
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
