"""Backups with the real restic, in a user namespace of one id."""

import functools
from pathlib import Path

from archipelago.backups.backup_sources import BackupSources
from archipelago.backups.repository import Repository
from archipelago.backups.restic.launch import launch
from archipelago.backups.restic.says import Written

LAUNCH = functools.partial(launch, enter=("unshare", "--user", "--map-root-user"))
PASSWORD = "0123456789abcdef" * 4


def sources(tmp_path: Path, **files: str) -> BackupSources:
    data = tmp_path / "volume"
    data.mkdir(exist_ok=True)
    (tmp_path / "view").mkdir(exist_ok=True)
    for name, text in files.items():
        (data / name).write_text(text)
    return BackupSources(str(tmp_path / "view"), "app", {"volumes/data": str(data)})


async def write(tmp_path: Path, found: Repository, **files: str) -> Written:
    return await found.write(sources(tmp_path, **files), {"app": "app", "version": "1"}, lambda _: None)
