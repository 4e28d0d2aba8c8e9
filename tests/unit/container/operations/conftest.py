"""Fixtures of the tests of operations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from support.jobs_bench import PROVIDES, REPAIRS, REQUIRES, Bench, bench
from support.one_thread_loop import pytest_asyncio_loop_factories  # noqa: F401 - pytest finds it here


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Bench]:
    """A node without Podman, which offers an app `user` that needs an app `base`."""
    async with bench(tmp_path) as made:
        made.offer("base", f"{PROVIDES}\n{REPAIRS}")
        made.offer("user", REQUIRES)
        yield made
