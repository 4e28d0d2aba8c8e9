"""Takes the place of restic where jobs run without Podman."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from archipelago.api.backups import FolderTarget, VolumeWay
from archipelago.backups.contents import Recipe, left_out, sources
from archipelago.backups.maker import Prepared
from archipelago.backups.restic.says import Written
from archipelago.backups.targets import TargetHistory, TargetRecord
from archipelago.container.data.data_classes import app_volumes
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord


@dataclass
class MemoryRestic:
    """Takes the place of targets, restic and databases: a backup is a name, and is written while the gate is open."""

    layout: Layout
    names: tuple[str, ...] = ("usb",)
    """The targets."""
    away: str = ""
    """Why no target can be reached."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    writes: asyncio.Event = field(default_factory=asyncio.Event)
    there: list[str] = field(default_factory=list)
    dumps: bool = True
    unseen: bool = False
    """Whether nobody can see afterwards whether the app has changed."""
    history: TargetHistory = field(default_factory=TargetHistory)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    written: list[Callable[[str], None]] = field(default_factory=list)

    @property
    def targets(self) -> Any:
        record = TargetRecord(
            name="usb", target=FolderTarget(kind="folder", path="/x"), repository="r", added=datetime.now(UTC)
        )

        async def get(_: str) -> TargetRecord:
            return record

        async def note(_: str, change: Any) -> None:
            self.history = change(self.history)

        async def names() -> tuple[str, ...]:
            return self.names

        return SimpleNamespace(get=get, note=note, names=names)

    @property
    def maker(self) -> "MemoryRestic":
        return self

    def turn(self, _: str) -> asyncio.Lock:
        return self.lock

    async def repository(self, _: TargetRecord) -> "MemoryRestic":
        return self

    async def open(self) -> None:
        if self.away:
            raise NodeError(ErrorCode.DATA_MISSING, self.away)

    async def discard(self, snapshot: str, _: str) -> None:
        self.there.remove(snapshot)

    async def recipe(self, record: AppRecord) -> Recipe:
        volumes = app_volumes(record)
        return Recipe(record, sources(volumes), {}, left_out(volumes), datetime.now(UTC))

    async def identity(self, record: AppRecord) -> object:
        if self.unseen and self.there:
            raise NodeError(ErrorCode.INTERNAL, "its volumes cannot be looked at")
        return record.installed_at, record.package.package_digest()

    def workload(self, _: str) -> None:
        return None

    @contextlib.asynccontextmanager
    async def staging(self, app: str, name: str) -> AsyncIterator[Path]:
        yield self.layout.app(app).backup_at(name)

    async def dump(self, recipe: Recipe, *_: object) -> Recipe:
        if self.dumps:
            return recipe
        volumes = tuple(replace(each, way=VolumeWay.STOPPED) for each in recipe.volumes)
        return replace(recipe, volumes=volumes, stopped_because={"data": "it has no pg_dumpall"})

    async def prepare(self, recipe: Recipe, _: Path, copies: Mapping[str, Path]) -> Prepared:
        return Prepared(recipe, {}, {}, new_files=bool(copies))

    async def write(self, prepared: Prepared, *_: object) -> Written:
        self.writes.set()
        await self.gate.wait()
        self.there.append(prepared.recipe.record.app)
        return Written(prepared.recipe.record.app, 1, 1)
