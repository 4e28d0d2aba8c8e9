"""Databases of SQLite in volumes: copied while apps use them, and checked (`programs/sqlite`)."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.backups.contents import Names
from archipelago.backups.programs import program
from archipelago.backups.restic.launch import Launch, Order
from archipelago.container.manifest.model.scalars import IDS_PER_APP
from archipelago.errors import ErrorCode, NodeError, says_disk_full, trouble_code
from archipelago.support.texts.text import msg

_PATIENCE = 60.0
"""Seconds that a database may be locked."""
_LONGEST = 6 * 3600.0
"""Seconds that a database may take."""
_RESERVE = 256 * 1024**2
"""Bytes of the disk that copies leave free: the app goes on writing."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Copies and checks databases. Raises `NodeError`."""

    launch: Launch = field(repr=False)
    view: Path
    """Where the programs see a volume."""
    python: str

    async def copy(
        self, app: str, first: int, volume: Path, out: Path, databases: Sequence[Names]
    ) -> tuple[Names, ...]:
        """Copy databases of a volume into `out`, and return those that were there; `first` is the app's first id."""
        return await self._run("copy", app, first, {"volume": str(volume), "out": str(out)}, databases)

    async def check(self, app: str, first: int, volume: Path, databases: Sequence[Names]) -> tuple[Names, ...]:
        """Have SQLite check databases of a volume that no app uses, and return those that were there."""
        return await self._run("check", app, first, {"volume": str(volume)}, databases)

    async def _run(
        self, do: str, app: str, first: int, binds: dict[str, str], databases: Sequence[Names]
    ) -> tuple[Names, ...]:
        root = f"{self.view}/sqlite"
        order = {
            "do": do,
            "root": root,
            "ids": [first, IDS_PER_APP],
            "databases": [list(names) for names in databases],
            "patience": _PATIENCE,
            "longest": _LONGEST,
            "reserve": _RESERVE,
        }
        lines: list[str] = []
        text = await asyncio.to_thread(program, "sqlite")
        await asyncio.to_thread(self.view.mkdir, 0o711, exist_ok=True)
        ended = await self.launch(
            Order(
                (self.python, "-I", "-c", text, json.dumps(order)),
                root=str(self.view),
                binds={f"sqlite/{place}": path for place, path in binds.items()},
            ),
            lines.append,
        )
        answers = [json.loads(line) for line in lines]
        wrong = [each["error"] for each in answers if "error" in each]
        if ended.code != 0 or wrong:
            error = "; ".join(wrong) or ended.errors[-300:]
            what = (
                msg("a database of {app} cannot be copied: {error}", app=app, error=error)
                if do == "copy"
                else msg("a database of {app} is not whole: {error}", app=app, error=error)
            )
            raise NodeError(
                trouble_code(error) if wrong else ErrorCode.INTERNAL,
                what,
                hint=refused_hint(app, error),
                data={"app": app},
            )
        return tuple(tuple(each["path"]) for each in answers if each["there"])


def refused_hint(app: str, error: str) -> str:
    """Return what an owner can do where a database could not be copied, by what its program says."""
    if says_disk_full(error):
        return msg("older backups stay as they are; free some space, then try again")
    return msg("older backups stay as they are; 'archipelago logs {app}' shows what the app says", app=app)
