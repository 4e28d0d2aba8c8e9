"""Python processes that have imported what programs of the unit tests need.

Where the tests run in forks of one process, that starts them before it collects: all forks use the same ones, which
import while the tests are collected.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from support.checkout import SOURCE
from support.cli_node import ENVIRONMENT
from support.preloaded_python import PreloadedPython, preloaded_python


@dataclass(frozen=True, slots=True)
class Preload:
    """What a process has imported."""

    modules: tuple[str, ...]
    environment: Mapping[str, str] = field(hash=False)


DAEMON = Preload(("archipelago.daemon",), {**os.environ, "PYTHONPATH": str(SOURCE)})
SERVERS = Preload(("support.memory_node", "archipelago.rpc.server.server"), ENVIRONMENT)
COMMANDS = Preload(
    (
        *("archipelago.api.operations", "archipelago.cli.connection", "archipelago.cli.main", "aiohttp"),
        *("importlib.resources", "rich.progress", "rich.table", "typer._adapters", "typer._click.decorators"),
    ),
    ENVIRONMENT,
)

_STARTED = pytest.StashKey[dict[Preload, PreloadedPython]]()


def start_preloads(config: pytest.Config) -> None:
    """Start all of them, until the end of pytest."""
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    config.stash[_STARTED] = {
        each: stack.enter_context(preloaded_python(*each.modules, environment=each.environment))
        for each in (SERVERS, COMMANDS, DAEMON)
    }


@contextlib.contextmanager
def preloaded(preload: Preload, config: pytest.Config) -> Iterator[PreloadedPython]:
    """Give the process that was started, or one that ends here."""
    if (started := config.stash.get(_STARTED, {}).get(preload)) is not None:
        yield started
        return
    with preloaded_python(*preload.modules, environment=preload.environment) as python:
        yield python
