"""The requests of the namespace agent about files, carried out in this process and as this user."""

import asyncio
import itertools
import os
from collections.abc import Callable

from archipelago.container.namespace.agent import copies, files, removal
from archipelago.container.namespace.agent.look import look_at
from archipelago.container.namespace.found import Found, Survey, survey_of
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.volumes import Mark

_CLONES: dict[int, bool] = {}
"""File system -> whether files there can share their blocks."""


class OwnNamespace:
    """Stands for `Namespace`; `crash_after` renames it raises `Crash`, as often as it is asked."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.renames = 0
        self.crash_after: int | None = None
        self.before: Callable[[], None] = lambda: None
        """Called before each change of the disk."""
        self.mounted: set[str] = set()
        """Where it says that something is mounted."""

    async def survey(self, path: str) -> Survey:
        return survey_of(copies.survey(path, float("inf")))

    async def can_clone(self, path: str) -> bool:
        """Try once for each file system: it takes a program."""
        device = os.stat(path).st_dev
        if device not in _CLONES:
            _CLONES[device] = bool((await asyncio.to_thread(copies.can_clone, path))["clones"])
        return _CLONES[device]

    async def copy(self, path: str, to: str, method: str) -> None:
        self.before()
        request = {"to": to, "method": method, "number": next(self._numbers)}
        try:
            await asyncio.to_thread(copies.copy_volume, path, request)
        except Exception as error:
            raise NodeError(ErrorCode.INTERNAL, str(error)) from error

    async def flush(self, path: str) -> None:
        await asyncio.to_thread(copies.flush, path)

    async def mounts(self, path: str) -> tuple[str, ...]:
        return tuple(each for each in self.mounted if each == path or each.startswith(f"{path}/"))

    async def rename(self, path: str, to: str) -> None:
        self.before()
        if self.crash_after is not None and self.renames >= self.crash_after:
            raise Crash
        files.rename_directory(path, to)
        self.renames += 1

    async def remove(self, path: str) -> None:
        self.before()
        await asyncio.to_thread(removal.remove, path)

    async def size(self, path: str, timeout: float, *, gentle: bool = False) -> tuple[int, bool]:
        found = files.measure(path, float("inf"), gentle=gentle)
        return found["bytes"], found["complete"]

    async def look(self, path: str, uid: int, gid: int, ids: int, *, divided: bool = False) -> Found | None:
        found = look_at(path, {"uid": os.geteuid() or 1, "gid": gid, "ids": ids, "divided": divided})
        if not found["there"]:
            return None
        return Found(Mark(found["inode"], found["filesystem"]), found["empty"], found["foreign"])


class Crash(BaseException):
    """The end of everything, between two renames."""
