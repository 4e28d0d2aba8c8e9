"""The catalog of a local folder: what is on disk is what is told, whoever asked before and went away."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from archipelago.catalog.local import LocalCatalog
from archipelago.errors import NodeError

MANIFEST = """manifest: 1
id: {app}
name: {app}
version: 1
summary: A test
description: A test
category: other
license: MIT
containers: {{main: {{build: {{type: packages, packages: [busybox-static]}}}}}}
"""


class Watched(LocalCatalog):
    """Tells when it reads, and when it has."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.ended = threading.Event(), threading.Event()

    def _look(self) -> Any:
        self.begun.set()
        try:
            return super()._look()
        finally:
            self.ended.set()


def write(folder: Path, app: str) -> None:
    (folder / app).mkdir()
    (folder / app / "manifest.yml").write_text(MANIFEST.format(app=app))


async def test_a_reader_who_goes_away_takes_nothing_from_the_next_one(tmp_path: Path) -> None:
    write(tmp_path, "ship")
    catalog = Watched(tmp_path)
    reader = asyncio.create_task(catalog.read())
    await asyncio.to_thread(catalog.begun.wait)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await asyncio.to_thread(catalog.ended.wait)
    assert set((await catalog.read()).packages) == {"ship"}


async def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "ship")
    catalog = LocalCatalog(tmp_path)
    before = await catalog.read()
    assert await catalog.read() is before
    write(tmp_path, "anchor")
    after = await catalog.read()
    assert set(after.packages) == {"anchor", "ship"} and after.packages["ship"] is before.packages["ship"]
    (tmp_path / "anchor" / "manifest.yml").write_text("nonsense")
    assert set((await catalog.read()).problems) == {"anchor"}


async def test_a_picture_of_an_app_comes_from_the_folder_of_the_app(tmp_path: Path) -> None:
    write(tmp_path, "ship")
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (8).to_bytes(4) + (6).to_bytes(4) + bytes(9)
    (tmp_path / "ship" / "screenshots").mkdir()
    (tmp_path / "ship" / "screenshots" / "deck.png").write_bytes(picture)
    catalog = LocalCatalog(tmp_path)
    assert await catalog.screenshot("ship", "deck.png") == picture
    assert await catalog.screenshot("ship", "hold.png") is None
    with pytest.raises(NodeError, match="no app 'anchor'"):
        await catalog.screenshot("anchor", "deck.png")
