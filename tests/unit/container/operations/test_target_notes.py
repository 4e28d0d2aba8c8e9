"""What a start is told by targets of backups: who else has claimed the app's state."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from archipelago.api.backups import FolderTarget
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import Ended, Order
from archipelago.container.operations.target_notes import TargetNotes
from archipelago.errors import NodeError
from archipelago.storage.records.leases import Claim

pytestmark = pytest.mark.asyncio
CLAIM = Claim.read("s.3.n")
NOTE = '[{"id": "1", "time": "2026-11-30T04:00:00.1Z", "tags": ["app=one", "lease.channels=s.3.n"]}]'


def notes(*answers: str | Exception) -> TargetNotes:
    """Return the notes at targets of which each gives an answer of restic; an empty one is away."""

    async def get(name: str) -> str | Exception:
        return answers[int(name)]

    async def names() -> tuple[str, ...]:
        return tuple(map(str, range(len(answers))))

    async def repository(answer: str | Exception) -> Repository:
        async def launch(_: Order, on_line: Callable[[str], None]) -> Ended:
            if isinstance(answer, Exception):
                raise answer
            on_line(answer)
            return Ended(0 if answer else 1, "")

        target = FolderTarget(kind="folder", path="/media/usb")
        return Repository(access(target, ""), "", target.path, Path("/nonexistent"), launch)

    work = SimpleNamespace(targets=SimpleNamespace(names=names, get=get), repository=repository)
    return TargetNotes(cast(Any, work), cast(Any, None), cast(Any, None))


async def test_a_target_that_is_away_does_not_keep_an_app_from_its_start() -> None:
    assert await notes("", NOTE, OSError("no podman")).sight("one") == {"channels": {CLAIM}}
    assert await notes("").sight("one") == {}


@pytest.mark.parametrize("answer", ["nonsense", "[3]", '[{"id": "1"}]', "{}x", RuntimeError("a mistake")])
async def test_what_cannot_be_understood_is_a_reason_not_to_start(answer: str | Exception) -> None:
    with pytest.raises(NodeError, match="one does not start: 1 cannot be understood") as refused:
        await notes(NOTE, answer).sight("one")
    assert refused.value.hint
