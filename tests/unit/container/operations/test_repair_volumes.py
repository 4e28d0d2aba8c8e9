"""A repair deletes only from volumes that every version of the app has called rebuildable."""

from pathlib import Path

import pytest

from archipelago.errors import NodeError
from support.jobs_bench import Bench, bench

INDEX = """    mounts: [{volume: index, path: /index}]
volumes: {index: {data: rebuildable}}
repairs: {again: {label: Again, description: Makes it again., discard: {index: [.]}}}
"""
FILES = """    mounts: [{volume: index, path: /index}]
volumes: {index: {data: files, funds: true}}
"""


async def updated(node: Bench, more: str) -> None:
    node.offer("app", more, version="2.0")
    await node.ended(await node.orchestrator.update("app"))


async def test_a_repair_deletes_from_what_was_rebuildable_from_the_start(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        node.offer("app", INDEX)
        await node.installed("app")
        preview = await node.orchestrator.repair_preview("app", "again")
        assert "is deleted" in preview.effects[1] and not preview.funds


async def test_a_repair_does_not_delete_what_an_earlier_version_could_not_make_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        node.offer("app", FILES)
        await node.installed("app")
        (tmp_path / "apps" / "app" / "volumes" / "index").mkdir(parents=True)
        await updated(node, INDEX)
        for attempt in (node.orchestrator.repair_preview, node.orchestrator.repair):
            with pytest.raises(NodeError, match="deletes from index"):
                await attempt("app", "again")
