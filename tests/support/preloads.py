"""What the preloaded Python processes of the tests of programs import."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.checkout import SOURCE
from support.cli_node import ENVIRONMENT
from support.preloaded_python import PreloadedPython, preloaded_python


@dataclass(frozen=True, slots=True)
class Preload:
    """What a process has imported."""

    modules: tuple[str, ...]
    environment: Mapping[str, str] = field(hash=False)

    @contextmanager
    def started(self) -> Iterator[PreloadedPython]:
        """Give such a process, until the end."""
        with preloaded_python(*self.modules, environment=self.environment) as python:
            yield python


DAEMON = Preload(("archipelago.daemon",), {**os.environ, "PYTHONPATH": str(SOURCE)})
SERVERS = Preload(("support.memory_node", "archipelago.rpc.server.server"), ENVIRONMENT)
COMMANDS = Preload(
    (
        *("archipelago.api.operations", "archipelago.cli.connection", "archipelago.cli.main", "aiohttp"),
        *("importlib.resources", "rich.progress", "rich.table", "typer._adapters", "typer._click.decorators"),
    ),
    ENVIRONMENT,
)
