"""A node without Podman, with an app that has data: what the tests of its snapshots start from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from archipelago.api.operations import Operation
from archipelago.storage.records.operations import OperationState
from support.jobs_bench import Bench, bench

MORE = """    mounts: [{volume: data, path: /data}]
volumes: {data: {data: files}}
"""
CHANNELS = """    mounts: [{volume: data, path: /data}, {volume: channels, path: /c}]
volumes: {data: {data: files}, channels: {data: never-restore, funds: true, exclusive: true}}
"""


@asynccontextmanager
async def node_with_data(folder: Path) -> AsyncIterator[Bench]:
    """A node with an app that has data."""
    async with bench(folder) as made:
        made.offer("app", MORE)
        await made.installed("app", n=3)
        data(made).mkdir(parents=True)
        write(made, "first")
        yield made


def data(node: Bench) -> Path:
    return node.folder / "apps" / "app" / "volumes" / "data"


def write(node: Bench, text: str) -> None:
    (data(node) / "state").write_text(text)


async def done(node: Bench, operation: Operation) -> None:
    ended = await node.ended(operation)
    assert ended.state is OperationState.DONE, ended.error
    assert node.apps.suspended == frozenset()


async def version(node: Bench) -> str:
    return (await node.state.load_apps())["app"].package.manifest.version
