"""Copies of streamed files come back from targets one by one, and are written to the right disk alone."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import FolderTarget
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import Ended, Order
from archipelago.backups.targets import TargetRecord
from archipelago.container.data.stream_copies import StreamCopy, copies_in, store_copy
from archipelago.container.manifest.loader import readable_part
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.backup_work import BackupWork
from archipelago.container.operations.stream_return import bring_streams_back
from archipelago.container.operations.target_notes import TargetNotes
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord, Desired
from support.paper_sealer import Paper

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def numbered(number: int, content: bytes) -> StreamCopy:
    return StreamCopy(number, len(content), hashlib.sha256(content).hexdigest())


def work(tmp_path: Path, target: FolderTarget, repository: object = None) -> BackupWork:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    layout.temporary.mkdir(parents=True, exist_ok=True)
    record = TargetRecord(name="usb", target=target, repository="mine", added=NOW)

    async def get(name: str) -> TargetRecord:
        if name != "usb":
            raise NodeError(ErrorCode.INVALID_VALUE, "there is no such target")
        return record

    async def names() -> tuple[str, ...]:
        return ("usb",)

    async def reached(_: TargetRecord) -> object:
        return repository

    targets = SimpleNamespace(get=get, names=names)
    return cast(BackupWork, SimpleNamespace(targets=targets, layout=layout, secrets=Paper(), repository=reached))


def brought(found: BackupWork) -> list[bytes]:
    folder = found.layout.app("lnd").streams / "proof"
    return [(folder / each.name).read_bytes() for each in copies_in(folder)]


async def test_one_damaged_copy_in_a_folder_keeps_no_other_from_coming_back(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "config").touch()
    proofs = FolderProofs(disk, Paper())
    for number in (1, 2, 3):
        proofs.write("lnd", "proof", "1", content := b"copy %d" % number, numbered(number, content))
    proofs.files("lnd", "proof")[1].path.write_bytes(b"\xff")
    (disk / "proofs/lnd/.Trash").touch()
    found = work(tmp_path, FolderTarget(kind="folder", path=str(disk)))
    await bring_streams_back(found, "lnd", "usb")
    assert brought(found) == [b"copy 1", b"copy 3"]
    await bring_streams_back(found, "lnd", "gone")


@pytest.mark.parametrize("there", ["mine", "of another node"])
async def test_copies_are_written_to_no_other_repository_at_the_same_place(tmp_path: Path, there: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "config").write_text("sealed")

    async def launch(order: Order, on_line: Callable[[str], None]) -> Ended:
        assert order.command[-2:] == ("cat", "config")
        on_line(json.dumps({"id": there}))
        return Ended(0, "")

    target = FolderTarget(kind="folder", path=str(disk))
    repository = Repository(access(target, ""), "password", "disk", tmp_path, launch, known="mine")
    found = work(tmp_path, target, repository)
    record = AppRecord("lnd", AppPackage(readable_part("", "lnd"), ""), Desired.RUNNING, 1, installed_at=1.5)
    store_copy(found.layout.app("lnd").streams / "proof", b"content")
    notes = TargetNotes(found, cast(Any, None), cast(Any, None))
    write = notes._write_copies(record, await found.targets.get("usb"))
    if there == "mine":
        await write
        (file,) = FolderProofs(disk, Paper()).files("lnd", "proof")
        assert file.is_of("1500000")
        assert notes.states["lnd", "usb"].at is not None
    else:
        with pytest.raises(NodeError, match="there is another repository"):
            await write
        assert not (disk / "proofs").exists() and not notes.states
