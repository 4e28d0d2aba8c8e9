"""Copies of streamed files in the folder of a target that is reached by SFTP, beside the repository there.

They are the same files as in a folder (`folder_proofs`). Each run of restic takes a second or more to open the
repository alone; what is here takes one connection, and the first time another one, which lists what is there. Nothing
of it needs the namespace, which would take as long as the connection.
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
from archipelago.backups.remote.remote_proofs import CONFIG, Listing, NewCopy
from archipelago.backups.restic import ssh
from archipelago.backups.restic.launch import Launch, Order
from archipelago.backups.restic.says import failure
from archipelago.container.data.stream_copies import require_content
from archipelago.errors import NodeError
from archipelago.security.secrets.manager import Sealer
from archipelago.storage.layout import named
from archipelago.support.private_files import make_folder, reported

_PARTIAL = ".partial"
_BATCH = "batch"


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

    async def list(self, app: str, volumes: Iterable[str]) -> Listing:
        """Return the names of what is there, in folders that are made where there are none."""
        lines = [line for volume in volumes for line in _listing(self._root, app, volume)]
        async with self._scratch() as place:
            # First: nothing is made where there is no repository.
            said = await self._session((f"get {_quoted(self._root / CONFIG)} {_quoted(place / CONFIG)}", *lines))
        return {volume: _listed(said).get(str(self._folder(app, volume)), ()) for volume in volumes}

    async def write(
        self, app: str, installation: str, copies: Sequence[NewCopy], there: Listing
    ) -> tuple[bytes, Listing]:
        """Write copies, read them back, and delete spent ones; see `RemoteProofs`."""
        for each in copies:
            require_content(each.content, each.copy, self.temporary)
        async with self._scratch() as place:
            sealed = await asyncio.to_thread(self._seal, place, copies)
            lines = [f"get {_quoted(self._root / CONFIG)} {_quoted(place / CONFIG)}"]
            for each in copies:
                folder = self._folder(app, each.volume)
                written, spent = placed(
                    proofs_named(Path(folder), there.get(each.volume, ())), Path(folder), installation, each.copy
                )
                lines += _writing(folder, written.path.name, place, each, there.get(each.volume, ()))
                # What a crash has left goes too. That of another node at this moment is written again by that one.
                gone = [*(old.path.name for old in spent), *_partial(there.get(each.volume, ()))]
                lines += [*(f"-rm {_quoted(folder / name)}" for name in gone), f"ls -1 {_quoted(folder)}"]
            said = _listed(await self._session(lines))
            for volume, content in sealed.items():
                if await asyncio.to_thread(_content, place / f"{volume}.back") != content:
                    raise failure(1, f"Fatal: {volume} of {app} is not what was written", self.where)
            config = await asyncio.to_thread(_content, place / CONFIG)
        return config, {each.volume: said.get(str(self._folder(app, each.volume)), ()) for each in copies}

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


def _listing(root: PurePosixPath, app: str, volume: str) -> Iterable[str]:
    """Yield what makes the folder of a volume, and lists it. Pure."""
    folder = root / PROOFS / named(app) / named(volume)
    yield from (f"-mkdir {_quoted(each)}" for each in (root / PROOFS, folder.parent, folder))  # they may be there
    yield f"ls -1 {_quoted(folder)}"


def _writing(folder: PurePosixPath, name: str, place: Path, copy: NewCopy, there: Sequence[str]) -> Iterable[str]:
    """Yield what writes a copy and reads it back.

    Under its name it counts as soon as it is there: the name has the digest of what is in it, so one that is not whole
    is none.
    """
    partial = folder / f"{secrets.token_hex(8)}{_PARTIAL}"
    yield f"put -f {_quoted(place / copy.volume)} {_quoted(partial)}"
    if name in there:
        yield f"-rm {_quoted(folder / name)}"  # not each server lets a file take the place of another
    yield f"rename {_quoted(partial)} {_quoted(folder / name)}"
    yield f"get {_quoted(folder / name)} {_quoted(place / f'{copy.volume}.back')}"


def _partial(there: Iterable[str]) -> Iterable[str]:
    return (name for name in there if name.endswith(_PARTIAL))


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
    if f'{CONFIG}" not found' in small:
        return failure(code, "Fatal: unable to open config file: does not exist", where)
    if any(line.strip().endswith(": failure") for line in small.splitlines()):
        return failure(code, f"{errors}\n(SSH_FX_FAILURE)", where)
    return failure(code, errors, where)


def _content(path: Path) -> bytes:
    with reported(path):
        return path.read_bytes()
