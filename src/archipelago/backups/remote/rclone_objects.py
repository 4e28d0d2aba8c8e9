"""Files at a storage service that rclone knows, beside the repository there."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archipelago.backups.remote.objects import StoredObject
from archipelago.backups.remote.remote_proofs import CONFIG
from archipelago.backups.restic.launch import Ended
from archipelago.backups.restic.says import failure
from archipelago.support.private_files import reported

_ABSENT = (3, 4)
"""Exit codes of rclone where there is no such folder, or no such file."""
_OPTIONS = ("--retries", "1", "--low-level-retries", "3", "--contimeout", "10s", "--timeout", "20s")
"""What fails is tried again soon, and by others."""
_PUT = f"""
copy() {{ rclone {" ".join(_OPTIONS)} copyto "$@"; }}
copy --ignore-times "$2" "$1/config"
copy --no-check-dest "$1/write" "$3"
copy --ignore-times "$3" "$1/read"
"""
"""In one run: to start a program may take longer than rclone needs for a small file."""
_NO_PROGRAM = 127
_PASSED = ("PATH", "HOME", "TMPDIR", "TZ")
_PATIENCE = 90.0
"""Seconds for all of it."""


@dataclass(frozen=True, slots=True)
class RcloneObjects:
    """Files beside the repository of one such target."""

    root: str
    """`REMOTE:FOLDER` of the repository."""
    environment: Mapping[str, str] = field(repr=False)
    """What rclone knows of the remote."""
    where: str
    """For people."""
    temporary: Path

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator["RcloneSession"]:
        """Have a folder for what is written and read; rclone connects each time."""
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.temporary))
        try:
            yield RcloneSession(self, place)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


@dataclass(frozen=True, slots=True)
class RcloneSession:
    """Writes and reads files."""

    store: RcloneObjects
    place: Path

    async def get(self, path: str) -> bytes | None:
        """Return the content of a file; None where there is none."""
        file = self.place / "read"
        ended = await self._rclone("copyto", "--ignore-times", self._remote(path), str(file))
        if ended.code in _ABSENT:
            return None
        self._require(ended)
        return await asyncio.to_thread(_taken, file)

    async def put(self, path: str, content: bytes) -> StoredObject:
        """Write a file, in the place of one that is there, and read it back; nothing where there is no repository."""
        await asyncio.to_thread(_written, self.place / "write", content)
        places = (str(self.place), self._remote(CONFIG), self._remote(path))
        ended = await self._run("sh", "-euc", _PUT, "sh", *places)
        stored = await asyncio.to_thread(
            lambda: StoredObject(*map(_taken, (self.place / "config", self.place / "read")))
        )
        if ended.code not in _ABSENT:
            self._require(ended)
        return stored

    async def paths(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all files in a folder and in those below it."""
        lines: list[str] = []
        ended = await self._rclone("lsf", "--recursive", "--files-only", self._remote(folder), lines=lines)
        if ended.code in _ABSENT:
            return ()
        self._require(ended)
        return tuple(f"{folder}/{line}" for line in lines if line)

    async def delete(self, path: str) -> None:
        """Delete a file."""
        ended = await self._rclone("deletefile", self._remote(path))
        if ended.code not in _ABSENT and "doesn't exist" not in ended.errors:
            self._require(ended)

    def _remote(self, path: str) -> str:
        root = self.store.root
        return f"{root}{path}" if root.endswith((":", "/")) else f"{root}/{path}"

    async def _rclone(self, *words: str, lines: list[str] | None = None) -> Ended:
        return await self._run("rclone", *_OPTIONS, *words, lines=lines)

    async def _run(self, *command: str, lines: list[str] | None = None) -> Ended:
        """Run a command, of which nothing is left where this ends early."""
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ} | dict(self.store.environment)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(_PATIENCE):
                    out, errors = await process.communicate()
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    await asyncio.shield(process.wait())
        except FileNotFoundError:
            return Ended(_NO_PROGRAM, "")
        except (OSError, TimeoutError) as error:
            raise failure(1, f"Fatal: {error or 'no answer in time'}", self.store.where) from error
        if lines is not None:
            lines += out.decode(errors="replace").splitlines()
        return Ended(process.returncode or 0, errors.decode(errors="replace"))

    def _require(self, ended: Ended) -> None:
        if ended.code == _NO_PROGRAM:
            raise failure(1, 'Fatal: exec: "rclone": executable file not found', self.store.where)
        if ended.code != 0:
            raise failure(ended.code, ended.errors, self.store.where)


def _taken(file: Path) -> bytes | None:
    with reported(file):
        if not file.exists():
            return None
        content = file.read_bytes()
        file.unlink()
        return content


def _written(file: Path, content: bytes) -> None:
    with reported(file):
        file.write_bytes(content)
