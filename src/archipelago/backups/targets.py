"""The targets that the owner added, each a folder: where it is, sealed, and what was done there."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from archipelago.api.backups import BackupTarget, ProofView
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.records.stored import Stored
from archipelago.support.private_files import make_folder, reported, sync_folder, write_atomically
from archipelago.support.texts.text import msg


class TargetRecord(Stored):
    """A target as the owner added it."""

    name: str
    target: BackupTarget
    secret: str = Field(default="", repr=False)
    """What goes with its login."""
    repository: str
    """Id of its repository."""
    scheduled: bool = True
    added: datetime


class AppHistory(Stored):
    """What was done for an app on a target."""

    newest: datetime | None = None
    proved: datetime | None = None
    proof: ProofView | None = None


class TargetHistory(Stored):
    """What was done on a target."""

    apps: Mapping[str, AppHistory] = Field(default={})
    checked: datetime | None = None
    """When the repository was last found to be whole."""
    drilled: datetime | None = None
    """When the last drill ended, whatever it found."""
    problem: str = ""
    """Why the last attempt failed."""
    void: tuple[str, ...] = ()
    """Ids of snapshots that are no backups, and that may still be there."""

    def of(self, app: str) -> AppHistory:
        """Return what was done for an app."""
        return self.apps.get(app, AppHistory())

    def with_app(self, app: str, **changes: object) -> "TargetHistory":
        """Return it with changes of one app."""
        return self.model_copy(update={"apps": {**self.apps, app: self.of(app).model_copy(update=changes)}})


@dataclass(frozen=True, slots=True)
class TargetStore:
    """Keeps targets. Raises `NodeError`."""

    folder: Path
    sealer: Sealer
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def names(self) -> tuple[str, ...]:
        """Return the names of the targets."""
        return await asyncio.to_thread(self._names)

    async def get(self, name: str) -> TargetRecord:
        """Return a target."""
        if name not in await asyncio.to_thread(self._names):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("there is no backup target {name}", name=f"{name!r}"),
                hint=msg("'archipelago backup targets' shows them"),
            )
        return await asyncio.to_thread(self._read, name)

    async def add(self, record: TargetRecord) -> None:
        """Keep a new target."""
        if record.name in await asyncio.to_thread(self._names):
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("there is a backup target {name} already", name=record.name),
                hint=msg("take another name, or remove it: what is stored there stays"),
            )
        await asyncio.to_thread(self._write, record)

    async def replace(self, record: TargetRecord) -> None:
        """Keep a target that is there as it is from now on."""
        await self.get(record.name)
        await asyncio.to_thread(self._write, record)

    async def remove(self, name: str) -> None:
        """Forget a target; its repository stays as it is."""
        await self.get(name)

        def delete() -> None:
            with reported(self.folder / name):
                # First: without it there is no target.
                self._sealed(name).unlink()
                shutil.rmtree(self.folder / name)
                sync_folder(self.folder)

        await asyncio.to_thread(delete)

    async def history(self, name: str) -> TargetHistory:
        """Return what was done on a target."""
        return await asyncio.to_thread(self._history, name)

    async def note(self, name: str, change: Callable[[TargetHistory], TargetHistory]) -> None:
        """Change what was done on a target; nothing is kept of one that was removed."""

        def work() -> None:
            path = self.folder / name / "history.json"
            with self._lock, reported(path):
                if self._sealed(name).exists():
                    write_atomically(path, f"{change(self._history(name)).model_dump_json()}\n".encode())

        await asyncio.to_thread(work)

    def _history(self, name: str) -> TargetHistory:
        try:
            return TargetHistory.model_validate_json((self.folder / name / "history.json").read_bytes())
        except (OSError, ValidationError):
            return TargetHistory()  # what is lost is only when something was done; it is done again

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(path.parent.name for path in self.folder.glob("*/target.age")))

    def _sealed(self, name: str) -> Path:
        return self.folder / name / "target.age"

    def _read(self, name: str) -> TargetRecord:
        path = self._sealed(name)
        with reported(path):
            sealed = path.read_bytes()
        try:
            return TargetRecord.model_validate_json(self.sealer.unseal(sealed))
        except ValidationError as error:
            raise NodeError(
                ErrorCode.INTERNAL,
                msg("the backup target {name} cannot be read: another version of the node wrote it", name=name),
                hint=msg("remove it and add it again: what is stored there stays"),
            ) from error

    def _write(self, record: TargetRecord) -> None:
        path = self._sealed(record.name)
        with reported(path):
            make_folder(path.parent, 0o700)
            write_atomically(path, self.sealer.seal(record.model_dump_json()))
