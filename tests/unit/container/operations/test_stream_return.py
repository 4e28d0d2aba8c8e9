"""Copies of streamed files come back from targets one by one, and are written to the right disk alone."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import FolderTarget, RestTarget
from archipelago.backups.copy_tags import copy_tags
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import Ended, Order
from archipelago.backups.restic.says import ResticSnapshot
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


@dataclass
class Notes:
    """A repository with notes; of some, restic cannot read all."""

    there: list[tuple[ResticSnapshot, Mapping[StreamCopy, bytes]]] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)

    async def notes(self, _: str) -> Sequence[ResticSnapshot]:
        return [note for note, _ in self.there]

    async def restore(self, note: str, to: Path, _: Sequence[str]) -> None:
        for copy, content in next(copies for each, copies in self.there if each.id == note).items():
            folder = to / "streams/proof"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / copy.name).write_bytes(content)
        if note in self.damaged:
            raise NodeError(ErrorCode.INTERNAL, "a pack is damaged")


def work(tmp_path: Path, target: FolderTarget | RestTarget, repository: object = None) -> BackupWork:
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

    async def remote_proofs(_: TargetRecord) -> object:
        return SimpleNamespace(fetch=fetch)

    targets = SimpleNamespace(get=get, names=names)
    parts = {"layout": layout, "secrets": Paper(), "repository": reached, "remote_proofs": remote_proofs}
    return cast(BackupWork, SimpleNamespace(targets=targets, **parts))


async def fetch(_: str, place: Path) -> FolderProofs:
    """Bring one copy as a file, which is newer than what restic has."""
    content = b"a file"
    (place / "config").touch()
    await asyncio.to_thread(FolderProofs(place, Paper()).write, "lnd", "proof", "1", content, numbered(6, content))
    return FolderProofs(place, Paper())


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


async def test_a_note_from_the_future_hides_no_newer_copy_and_a_damaged_one_no_other(tmp_path: Path) -> None:
    notes = Notes()
    for number, years in ((1, 14), (2, 14), (3, 14), (4, 14), (5, 0)):
        snapshot = ResticSnapshot(
            f"n{number}", NOW + timedelta(days=365 * years + number), copy_tags("1", {"proof": number})
        )
        content = b"copy %d" % number
        notes.there.append((snapshot, {numbered(number, content): content, numbered(9, b"whole"): b"damaged"}))
    notes.damaged.add("n4")
    found = work(tmp_path, RestTarget(kind="rest", url="https://backup.example/"), notes)
    await bring_streams_back(found, "lnd", "usb")
    assert brought(found) == [b"copy 2", b"copy 3", b"copy 4", b"copy 5", b"a file"]
    assert not list(found.layout.temporary.iterdir())


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
