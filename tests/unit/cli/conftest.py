"""Fixtures of the tests of the command."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli_node import ENVIRONMENT, SERVER, CliNode
from support.preloaded_python import PreloadedPython, preloaded_python


@pytest.fixture(scope="package")
def servers() -> Iterator[PreloadedPython]:
    with preloaded_python("support.memory_node", "archipelago.rpc.server.server", environment=ENVIRONMENT) as python:
        yield python


@pytest.fixture(scope="package")
def commands() -> Iterator[PreloadedPython]:
    modules = (
        "archipelago.api.operations", "archipelago.cli.connection", "archipelago.cli.main", "aiohttp",
        "importlib.resources", "rich.progress", "rich.table", "typer._adapters", "typer._click.decorators",
    )  # fmt: skip
    with preloaded_python(*modules, environment=ENVIRONMENT) as python:
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
