"""Stand-ins for what keeps, copies and brings back the data of apps."""

from collections.abc import Collection, Sequence

from archipelago.api.backups import (
    AppBackupView,
    BackupPreview,
    BackupTarget,
    BackupView,
    KitTarget,
    ProofView,
    RecoveryKit,
    RepositoryPassword,
    SshIntroduction,
    TargetView,
)
from archipelago.api.data import ContestedStateView, KeptData, StreamTargetView, StreamView
from archipelago.api.operations import Operation, OperationKind
from archipelago.api.snapshots import (
    EntryKind,
    RestorePreview,
    SnapshotEntry,
    SnapshotExtractView,
    SnapshotFileView,
    SnapshotFolderView,
    SnapshotPreview,
    SnapshotSchedulesView,
    SnapshotScheduleView,
    SnapshotView,
)
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.snapshot_schedules import Cadence, ScheduleRecord
from archipelago.storage.records.snapshots import SnapshotKind
from support.memory_services.apps import EVIL, NOW, MemoryApps


class MemoryData:
    """Has no data, and remembers nothing."""

    async def start_empty(self, app: str, volumes: tuple[str, ...]) -> None: ...
    async def contested(self, app: str) -> tuple[ContestedStateView, ...]:
        return (ContestedStateView(volume="channels", what="it is a copy", remedy="claim it", evidence="0"),)

    async def claim(self, app: str, evidence: tuple[str, ...]) -> None: ...
    async def streams(self, app: str | None) -> tuple[StreamView, ...]:
        target = StreamTargetView(target="usb", current=False, problem="there is no repository any more")
        return (StreamView(app="knots", volume="proof", file="channel.backup", size=7, copies=2, targets=(target,)),)

    async def list_kept(self) -> tuple[KeptData, ...]:
        return ()

    async def restore_kept(self, app: str, kept: str) -> None: ...
    async def delete_kept(self, app: str, kept: str) -> None: ...


class MemorySnapshots:
    """Has one snapshot of each app, of before an update."""

    NAME = "2026-11-29T08-40-00.000Z"

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def list(self, app: str) -> tuple[SnapshotView, ...]:
        self._apps.require(app)
        kind = SnapshotKind.BEFORE_UPDATE
        return (SnapshotView(name=self.NAME, kind=kind, at=NOW, version="1", size=1 << 40, undoes_update=True),)

    async def preview(self, app: str) -> SnapshotPreview:
        self._apps.require(app)
        return SnapshotPreview(app=app, size=1 << 30, seconds=18, free=1 << 40, missing=0, remarks=(f"slow {EVIL}",))

    async def take(self, app: str) -> Operation:
        return await self._apps.change(OperationKind.SNAPSHOT, app)

    async def restore_preview(self, app: str, snapshot: str) -> RestorePreview:
        self._apps.require(app)
        if snapshot != self.NAME:
            raise NodeError(ErrorCode.INVALID_VALUE, f"{app} has no snapshot {snapshot!r}")
        return RestorePreview(
            apps=(app,), snapshot=snapshot, at=NOW, version="1", version_now="2", remarks=(f"what it wrote {EVIL}",)
        )

    async def restore(self, app: str, snapshot: str, stays: Collection[str] = ()) -> Operation:
        return await self._apps.change(OperationKind.RESTORE, app, snapshot)

    async def look(self, app: str, snapshot: str, minutes: int) -> Operation:
        return await self._apps.change(OperationKind.SNAPSHOT_LOOK, app, snapshot, minutes)

    async def undo_preview(self, app: str) -> RestorePreview:
        return await self.restore_preview(app, self.NAME)

    async def undo(self, app: str) -> Operation:
        return await self._apps.change(OperationKind.RESTORE, app)

    async def delete(self, app: str, snapshot: str) -> None:
        await self.restore_preview(app, snapshot)
        self._apps.changes.append(("delete snapshot", app, snapshot))


class MemorySnapshotSchedules:
    """Remembers no schedule."""

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def list(self) -> SnapshotSchedulesView:
        node = self._view("", ScheduleRecord())
        knots = self._view("knots", ScheduleRecord(every=Cadence.DAILY))
        return SnapshotSchedulesView(node=node, apps=(knots.model_copy(update={"obstacle": f"why {EVIL}"}),))

    async def set(self, app: str | None, schedule: ScheduleRecord | None) -> SnapshotScheduleView:
        self._apps.changes.append(("schedule", app, schedule))
        return self._view(app or "", schedule or ScheduleRecord())

    def _view(self, app: str, schedule: ScheduleRecord) -> SnapshotScheduleView:
        return SnapshotScheduleView(
            app=app,
            every=schedule.every,
            keep_hourly=schedule.hourly,
            keep_daily=schedule.daily,
            keep_weekly=schedule.weekly,
            own=bool(app),
        )


class MemorySnapshotFiles:
    """Has one folder with a file of ten bytes, and one whose name is hostile."""

    CONTENT = b"0123456789"

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def list(self, app: str, snapshot: str, path: str, after: str, limit: int) -> SnapshotFolderView:
        names = [name for name in ("evil\\x1b[31m", "photo.jpg") if name > after]
        entries = tuple(SnapshotEntry(name=name, kind=EntryKind.FILE, size=10, modified=NOW) for name in names)
        return SnapshotFolderView(path=path, entries=entries[:1], more=len(entries) > 1)

    async def read(self, app: str, snapshot: str, path: str, offset: int, length: int) -> SnapshotFileView:
        piece = self.CONTENT[offset : offset + min(length, 4)]
        return SnapshotFileView(path=path, size=10, offset=offset, content=piece)

    async def extract(self, app: str, snapshot: str, path: str, to: str) -> SnapshotExtractView:
        self._apps.changes.append(("extract of a snapshot", app, path, to))
        return SnapshotExtractView(left_out=2)


class MemoryBackups:
    """Has one target, with one backup of each app."""

    ID = "0123456789abcdef"

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def targets(self) -> tuple[TargetView, ...]:
        proof = ProofView(at=NOW, passed=False, seconds=41, problem=f"it is damaged {EVIL}")
        app = AppBackupView(app="knots", newest=NOW, proof=proof, overdue=True)
        return (
            TargetView(
                name="usb", kind="folder", place="/media/usb", repository="0", scheduled=True, apps=(app,), problem=EVIL
            ),
        )

    async def add(self, name: str, target: BackupTarget, secret: str, *, scheduled: bool) -> TargetView:
        self._apps.changes.append(("add target", name, target.kind))
        return (await self.targets())[0]

    async def change(
        self, name: str, target: BackupTarget | None, secret: str | None, *, scheduled: bool | None
    ) -> TargetView:
        self._apps.changes.append(("change target", name))
        return (await self.targets())[0]

    async def remove(self, name: str) -> None:
        self._apps.changes.append(("remove target", name))

    async def now(self, app: str, target: str) -> Operation:
        return await self._apps.change(OperationKind.BACKUP, app, target)

    async def list(self, target: str, app: str | None = None) -> tuple[BackupView, ...]:
        return tuple(BackupView(id=self.ID, app=name, version="1", at=NOW) for name in ("knots", f"gone {EVIL}"))

    async def preview(self, app: str, target: str, backup: str | None) -> BackupPreview:
        return BackupPreview(app=app, backup=self.ID, at=NOW, version="1", size=1 << 30, files=9, free=1 << 40)

    async def restore(self, app: str, target: str, backup: str | None) -> Operation:
        return await self._apps.change(OperationKind.BACKUP_RESTORE, app, target)

    async def all_now(self, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Operation:
        return await self._apps.change(OperationKind.BACKUP_ALL, "", *(targets or ()))

    async def drill_all(self, targets: Sequence[str] | None, apps: Sequence[str] | None) -> Operation:
        return await self._apps.change(OperationKind.BACKUP_DRILL_ALL, "", *(targets or ()))

    async def restore_all(self, target: str) -> Operation:
        return await self._apps.change(OperationKind.BACKUP_RESTORE_ALL, "", target)

    async def extract(self, target: str, app: str, backup: str | None, path: str, to: str) -> None:
        self._apps.changes.append(("extract", app, path, to))

    async def check(self, target: str) -> None:
        self._apps.changes.append(("check target", target))

    async def drill(self, app: str, target: str, backup: str | None) -> Operation:
        return await self._apps.change(OperationKind.BACKUP_DRILL, app, target)


class MemoryBackupKeys:
    """Knows one machine, one password and one target."""

    INTRODUCTION = SshIntroduction(
        host_key=f"ssh-ed25519 {'A' * 68}", fingerprint="SHA256:abc", public_key=f"restrict ssh-ed25519 AAAA{EVIL}"
    )

    def __init__(self, apps: MemoryApps) -> None:
        self._apps = apps

    async def introduce(self, host: str, port: int) -> SshIntroduction:
        return self.INTRODUCTION

    async def passwords(self, target: str) -> tuple[RepositoryPassword, ...]:
        return (RepositoryPassword(id="0123abcd", label=f"root {EVIL}", created=NOW, node=True),)

    async def add_password(self, target: str, password: str, label: str) -> None:
        self._apps.changes.append(("add password", target, password, label))

    async def remove_password(self, target: str, password: str) -> None:
        self._apps.changes.append(("remove password", target, password))

    async def kit(self) -> RecoveryKit:
        target = KitTarget(
            name="usb",
            kind="rest",
            place=f"https://example.com/<b>{EVIL}",
            user="me",
            repository="0123",
            command="archipelago backup add usb --rest https://example.com/ --user me --secret",
        )
        key = self.INTRODUCTION.public_key
        return RecoveryKit(node=f"node {EVIL}", at=NOW, version="1", targets=(target,), ssh_key=key)

    async def password(self) -> str:
        return "f" * 64
