"""Copies of streamed files in the folder of a target that is reached by SFTP, beside the repository there.

They are the same files as in a folder (`folder_proofs`). Each run of restic takes a second or more to open the
repository alone; what is here takes two connections: one writes the copies and reads them back, the other gives them
the names by which they count.
"""

import asyncio
import base64
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from archipelago.api.backups import SftpTarget
from archipelago.backups.folder_proofs import PROOFS, FolderProofs, placed, proofs_named
from archipelago.backups.restic import ssh
from archipelago.backups.restic.launch import Launch, Order
from archipelago.backups.restic.says import failure
from archipelago.container.data.stream_copies import StreamCopy, require_content
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.layout import named
from archipelago.support.private_files import make_folder, reported

_CONFIG = "config"
_PARTIAL = ".partial"
_BATCH = "batch"


@dataclass(frozen=True, slots=True)
class NewCopy:
    """A copy of a volume's streamed file that is to be written."""

    volume: str
    content: bytes = field(repr=False)
    copy: StreamCopy


@dataclass(frozen=True, slots=True)
class SftpProofs:
    """Writes and reads the copies on one machine. Raises `NodeError`."""

    target: SftpTarget
    key: str = field(repr=False)
    """Private key of the node, in OpenSSH's form."""
    where: str
    """For people."""
    sealer: Sealer
    launch: Launch = field(repr=False)
    temporary: Path

    async def write(self, app: str, installation: str, copies: Sequence[NewCopy]) -> bytes:
        """Have copies that this installation of an app wrote be there, whole, and delete spent ones that it wrote.

        Returns the file `config` of the repository that is there, like no other, for the caller to compare. In
        another one they are files that nobody can read.
        """
        for each in copies:
            require_content(each.content, each.copy, self.temporary)
        async with self._scratch() as place:
            sealed = await asyncio.to_thread(self._seal, place, copies)
            partial = f"{secrets.token_hex(8)}{_PARTIAL}"
            said = await self._session(_writing(self._root, app, partial, place, sealed))
            config = await asyncio.to_thread(_content, place / _CONFIG)
            for volume, content in sealed.items():
                if await asyncio.to_thread(_content, place / f"{volume}.back") != content:
                    raise failure(1, f"Fatal: {volume} of {app} is not what was written", self.where)
            names = _listed(said)
            lines: list[str] = []
            for each in copies:
                folder = self._folder(app, each.volume)
                lines += _naming(folder, names.get(str(folder), ()), installation, each.copy, partial)
            await self._session(lines)
        return config

    async def fetch(self, app: str, place: Path) -> FolderProofs:
        """Bring all copies of an app into a folder of this machine, and return what reads them there."""
        folder = place / PROOFS
        await asyncio.to_thread(make_folder, folder, 0o700)
        # Without copies there is no such folder.
        await self._session([f"-get -r {_quoted(self._root / PROOFS / named(app))} {_quoted(folder)}/"])
        return FolderProofs(place, self.sealer)

    @property
    def _root(self) -> PurePosixPath:
        return PurePosixPath(self.target.path)

    def _folder(self, app: str, volume: str) -> PurePosixPath:
        return self._root / PROOFS / named(app) / named(volume)

    def _seal(self, place: Path, copies: Sequence[NewCopy]) -> Mapping[str, bytes]:
        sealed = {each.volume: self.sealer.seal(base64.b64encode(each.content).decode()) for each in copies}
        with reported(place):
            for volume, content in sealed.items():
                (place / volume).write_bytes(content)
        return sealed

    async def _session(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Have sftp carry out lines, of which it ends at the first that fails; return what it prints."""
        printed: list[str] = []
        files = {**ssh.files(self.target, self.key), _BATCH: "".join(f"{line}\n" for line in lines)}
        order = Order(ssh.batch_command(self.target, _BATCH), files=files)
        try:
            ended = await self.launch(order, printed.append)
        except (OSError, ValueError) as error:
            raise failure(1, f"Fatal: {error}", self.where) from error
        if ended.code != 0:
            raise _refusal(ended.code, ended.errors, self.where)
        return tuple(printed)

    @contextlib.asynccontextmanager
    async def _scratch(self) -> AsyncIterator[Path]:
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.temporary))
        try:
            yield place
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))


def _writing(root: PurePosixPath, app: str, partial: str, place: Path, volumes: Iterable[str]) -> Iterable[str]:
    """Yield what writes copies under names by which they do not count, and reads them back. Pure."""
    yield f"get {_quoted(root / _CONFIG)} {_quoted(place / _CONFIG)}"
    made: set[PurePosixPath] = set()
    for volume in volumes:
        folder = root / PROOFS / named(app) / named(volume)
        for each in (root / PROOFS, folder.parent, folder):
            if each not in made:
                yield f"-mkdir {_quoted(each)}"  # it may be there
                made.add(each)
        yield f"ls -1 {_quoted(folder)}"
        yield f"put -f {_quoted(place / volume)} {_quoted(folder / partial)}"
        yield f"get {_quoted(folder / partial)} {_quoted(place / f'{volume}.back')}"


def _naming(
    folder: PurePosixPath, there: Iterable[str], installation: str, copy: StreamCopy, partial: str
) -> Iterable[str]:
    """Yield what gives a copy the name by which it counts, and deletes what is spent. Pure."""
    there = tuple(there)
    written, spent = placed(proofs_named(Path(folder), there), Path(folder), installation, copy)
    if written.path.name in there:
        yield f"-rm {_quoted(written.path)}"  # not each server lets a file take the place of another
    yield f"rename {_quoted(folder / partial)} {_quoted(written.path)}"
    yield from (f"-rm {_quoted(each.path)}" for each in spent)
    # What a crash has left. That of another node at the same moment is written again by that one.
    yield from (f"-rm {_quoted(folder / name)}" for name in there if name.endswith(_PARTIAL))


def _listed(printed: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the names in each folder that sftp has listed; it prints its commands too. Pure."""
    found: dict[str, tuple[str, ...]] = {}
    for line in printed:
        if not line.startswith("sftp> "):
            folder, _, name = line.strip().rpartition("/")
            found[folder] = (*found.get(folder, ()), name)
    return found


def _quoted(path: PurePath) -> str:
    """Return a path as sftp reads it in a batch: nothing in quotes is a pattern. Pure."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _refusal(code: int, errors: str, where: str) -> NodeError:
    """Return the error for the owner of an sftp that has failed; most are those that restic has too. Pure."""
    small = errors.lower()
    if f'{_CONFIG}" not found' in small:
        return failure(code, "Fatal: unable to open config file: does not exist", where)
    if any(line.strip().endswith(": failure") for line in small.splitlines()):
        return failure(code, f"{errors}\n(SSH_FX_FAILURE)", where)
    return failure(code, errors, where)


def _content(path: Path) -> bytes:
    with reported(path):
        return path.read_bytes()
