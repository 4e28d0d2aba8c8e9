"""A repair deletes only from volumes that every version of the app has called rebuildable, and returns whole copies."""

from pathlib import Path

import pytest

from archipelago.container.data.stream_copies import store_copy
from archipelago.errors import NodeError
from support.jobs_bench import Bench, bench

INDEX = """    mounts: [{volume: index, path: /index}]
volumes: {index: {data: rebuildable}}
repairs: {again: {label: Again, description: Makes it again., discard: {index: [.]}}}
"""
FILES = """    mounts: [{volume: index, path: /index}]
volumes: {index: {data: files, funds: true}}
"""

PROOFS = """    mounts: [{volume: proofs, path: /proofs}]
volumes: {proofs: {data: append-proof, funds: true, stream: backup}}
repairs: {again: {label: Again, description: Brings it back., copies: {proofs: found}}}
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


async def test_a_repair_brings_back_the_copies_that_are_whole_and_says_where_there_is_none(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        node.offer("app", PROOFS)
        await node.installed("app")
        with pytest.raises(NodeError, match="there is no copy of what app had in its volume proofs"):
            await node.orchestrator.repair("app", "again")
        folder = tmp_path / "apps/app/streams/proofs"
        kept = [store_copy(folder, content) for content in (b"first", b"damaged", b"third")]
        first, damaged, third = (folder / each.name for each in kept if each is not None)
        damaged.write_bytes(b"nothing")
        order = await node.parts.repairs.order("app", "again")
        (found,) = order.copies
        assert (found.volume, found.names, found.copies) == ("proofs", ("found",), (first, third))
        assert (await node.orchestrator.repair_preview("app", "again")).funds


async def test_nothing_is_put_into_a_volume_of_which_an_earlier_version_said_that_no_copy_may(tmp_path: Path) -> None:
    async with bench(tmp_path) as node:
        former = "{proofs: {data: never-restore, funds: true, exclusive: true}}"
        node.offer("app", f"    mounts: [{{volume: proofs, path: /proofs}}]\nvolumes: {former}\n")
        await node.installed("app")
        (tmp_path / "apps" / "app" / "volumes" / "proofs").mkdir(parents=True)
        await updated(node, PROOFS)
        store_copy(tmp_path / "apps/app/streams/proofs", b"first")
        with pytest.raises(NodeError, match="there is no copy"):
            await node.orchestrator.repair("app", "again")
