"""What could not be deleted when it was discarded is remembered, and deleted before retention counts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import FolderTarget
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.backups.targets import TargetRecord, TargetStore
from archipelago.container.operations.backup_work import BackupWork
from archipelago.container.operations.backups import Backups
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys.node_key import NodeKey

pytestmark = pytest.mark.asyncio
NOW = datetime.now(UTC)
RECORD = TargetRecord(
    name="usb", target=FolderTarget(kind="folder", path="/nonexistent/usb"), repository="0", added=NOW
)


class PlainSealer:
    """Seals nothing."""

    def seal(self, text: str) -> bytes:
        return text.encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()


async def test_this_node_remembers_what_is_no_backup(tmp_path: Path) -> None:
    store = TargetStore(tmp_path / "targets", PlainSealer())
    await store.add(RECORD)
    redactor = SimpleNamespace(learn=lambda _: None)
    secrets = SimpleNamespace(key=NodeKey(tmp_path / "node.key", lambda _: None), redactor=redactor)
    secrets.key.phrase(None)
    layout = SimpleNamespace(restic_cache=tmp_path / "cache")
    nothing = cast(Any, None)
    work = BackupWork(store, nothing, nothing, cast(Any, secrets), cast(Any, layout), *([nothing] * 4))
    await (await work.repository(RECORD)).mark_void("1")
    await (await work.repository(RECORD)).mark_void("2")
    assert (await work.repository(RECORD)).void == ("1", "2")


@pytest.mark.parametrize("refuses", [False, True])
async def test_void_backups_are_deleted_before_retention_counts(tmp_path: Path, *, refuses: bool) -> None:
    store = TargetStore(tmp_path, PlainSealer())
    await store.add(RECORD)
    await store.note("usb", lambda history: history.model_copy(update={"void": ("1", "late")}))
    done: list[str] = []

    async def forget_void() -> tuple[str, ...]:
        done.append("void")
        if refuses:
            raise NodeError(ErrorCode.FORBIDDEN, "it only takes new backups")
        return ("1",)

    async def snapshots(_: str | None) -> tuple[ResticSnapshot, ...]:
        return tuple(ResticSnapshot(f"{n}", NOW - timedelta(hours=n), {"app": "one"}) for n in range(9))

    async def thin_out(*_: Any) -> None:
        done.append("thin out")

    async def repository(_: TargetRecord) -> Any:
        return SimpleNamespace(forget_void=forget_void, snapshots=snapshots, thin_out=thin_out)

    turn = BackupWork(store, *([cast(Any, None)] * 8)).turn
    work = SimpleNamespace(targets=store, repository=repository, turn=turn)
    notes = SimpleNamespace(thin_out=thin_out)
    await Backups(cast(Any, SimpleNamespace(backups=work)), cast(Any, None), cast(Any, notes)).thin_out("usb")
    left = (await store.history("usb")).void
    assert (done, left) == ((["void"], ("1", "late")) if refuses else (["void", "thin out", "thin out"], ("late",)))
