"""Copies of streamed files over SFTP, with the real sftp and its server: what is there, and what is left of mishaps."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archipelago.api.backups import SftpTarget
from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.remote.remote_proofs import Listing, NewCopy
from archipelago.backups.restic.launch import Ended, Order
from archipelago.backups.sftp_proofs import SftpProofs
from archipelago.container.data.stream_copies import MOST, StreamCopy, next_copy
from archipelago.errors import ErrorCode, NodeError
from support.paper_sealer import Paper
from support.tools import TOOLS

USR = TOOLS / "root/usr"
SERVER = USR / "lib/openssh/sftp-server"
LOADER = next(iter(USR.glob("lib*/**/ld-linux-*.so.*")), None)
"""Of the server's own release of Debian, which need not be the one of this machine."""
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(
        not shutil.which("sftp") or not SERVER.exists() or LOADER is None, reason="sftp and sftp-server are not here"
    ),
]
NAMES = ("plain", 'a "quoted" \\ [folder]*')


@dataclass
class Machine:
    """A machine whose SFTP server is a child of sftp, without ssh between them."""

    root: Path
    scratch: Path
    sessions: int = 0
    spoiled: bool = False
    """Whether what is read back is not what was written."""
    known: Listing = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.root / "proofs/lnd/proof"

    async def launch(self, order: Order, on_line: Callable[[str], None]) -> Ended:
        self.sessions += 1
        batch = order.files["batch"]
        path = self.scratch / f"batch-{self.sessions}"
        path.write_text(batch)
        server = self.scratch / "server"
        server.write_text(f"#!/bin/sh\nexec {LOADER} --library-path {LOADER and LOADER.parent} {SERVER}\n")
        server.chmod(0o700)
        command = ("sftp", "-q", "-b", str(path), "-D", str(server))
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, errors = await process.communicate()
        for line in out.decode().splitlines():
            on_line(line)
        if self.spoiled:
            for each in self.scratch.glob("*/*.back"):
                each.write_bytes(b"something else")
        return Ended(process.returncode or 0, errors.decode())

    def proofs(self) -> SftpProofs:
        target = SftpTarget(kind="sftp", host="nas", user="me", path=str(self.root), host_key=f"ssh-ed25519 {'A' * 68}")
        return SftpProofs(target, "key", "nas", Paper(), self.launch, self.scratch)

    async def write(self, app: str, installation: str, copies: list[NewCopy]) -> bytes:
        """Write as the first time, or with what is known of the last time."""
        proofs, volumes = self.proofs(), [each.volume for each in copies]
        known = self.known if self.known.keys() >= set(volumes) else await proofs.list(app, volumes)
        config, self.known = await proofs.write(app, installation, copies, known)
        return config

    def names(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir())

    def contents(self) -> list[bytes]:
        here = FolderProofs(self.root, Paper())
        return [here.read(each) for each in here.files("lnd", "proof")]


@pytest.fixture(params=NAMES)
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    found = Machine(tmp_path / request.param, tmp_path / "scratch")
    found.root.mkdir()
    found.scratch.mkdir()
    (found.root / "config").write_bytes(b"the repository")
    return found


def made(content: bytes, *before: StreamCopy) -> NewCopy:
    copy = next_copy(before, content)
    assert copy is not None
    return NewCopy("proof", content, copy)


async def test_a_copy_is_there_after_one_connection_and_comes_back(machine: Machine, tmp_path: Path) -> None:
    first = made(b"one")
    assert await machine.write("lnd", "7", [first]) == b"the repository"
    second = made(b"two", first.copy)
    await machine.write("lnd", "7", [second])
    assert machine.sessions == 3, "the first time, what is there is listed"
    await machine.write("lnd", "7", [second, NewCopy("other", b"two", second.copy)])
    assert machine.contents() == [b"one", b"two"]
    assert machine.names() == [f"{each.copy.name}.7.age" for each in (first, second)]
    back = await machine.proofs().fetch("lnd", tmp_path)
    assert back.volumes("lnd") == ("other", "proof")
    assert [back.read(each) for each in back.files("lnd", "proof")] == [b"one", b"two"]
    (tmp_path / "none").mkdir()
    assert (await machine.proofs().fetch("nobody", tmp_path / "none")).volumes("nobody") == ()


async def test_of_its_own_copies_the_newest_stay_and_those_of_another_installation_all(machine: Machine) -> None:
    other = made(b"of another one", StreamCopy(40, 1, "0" * 64))
    await machine.write("lnd", "3", [other])
    copies: list[StreamCopy] = []
    for number in range(MOST + 2):
        new = made(b"%03d" % number + b"x" * (number == 0), *copies)
        await machine.write("lnd", "7", [new])
        copies.append(new.copy)
    numbers = [int(name.split("-")[0]) for name in machine.names()]
    assert numbers[:2] == [41, 42] and len(numbers) == MOST + 2, "the longest one stays too"
    assert numbers[-1] == 41 + MOST + 2, "the numbers are above that of the other one"


async def test_the_same_copy_again_is_one_copy(machine: Machine) -> None:
    new = made(b"one")
    for _ in range(2):
        await machine.write("lnd", "7", [new])
    assert machine.contents() == [b"one"]
    (only,) = machine.folder.iterdir()
    only.write_bytes(b"damaged")
    await machine.write("lnd", "7", [new])
    assert machine.contents() == [b"one"]


async def test_what_is_not_as_it_was_written_is_written_again(machine: Machine) -> None:
    machine.spoiled = True
    with pytest.raises(NodeError, match="not what was written"):
        await machine.write("lnd", "7", [made(b"one")])
    machine.spoiled = False
    (machine.folder / "0011.partial").write_bytes(b"cut off")
    await machine.write("lnd", "7", [made(b"one")])
    assert machine.contents() == [b"one"] and len(machine.names()) == 1, "what was left is gone"
    assert not [each for each in machine.scratch.iterdir() if each.is_dir()]


async def test_nothing_is_written_where_there_is_no_repository(machine: Machine) -> None:
    (machine.root / "config").unlink()
    with pytest.raises(NodeError, match="no repository at nas") as refused:
        await machine.write("lnd", "7", [made(b"one")])
    assert refused.value.code is ErrorCode.DATA_MISSING and not list(machine.root.iterdir())
