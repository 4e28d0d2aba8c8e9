"""Dumps as streams: what counts as whole, with a command that a test plays."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.dumps import streams as module
from archipelago.backups.dumps.commands import dump_commands
from archipelago.backups.dumps.streams import DumpStreams
from archipelago.backups.dumps.writer import Dumped, DumpWriter, NotDumped
from archipelago.container.manifest.model.data import CommandDatabase, PostgresDatabase
from archipelago.container.podman_client.errors import PodmanCall, PodmanConflict, PodmanUnavailable
from archipelago.container.podman_client.models import LogStream
from archipelago.errors import ErrorCode, NodeError
from archipelago.security.secrets.secret import Secret

DATABASE = PostgresDatabase(type="postgres", container="main", secret="pass")
ENDING = b"\n-- PostgreSQL database cluster dump complete\n--\n\n"
WORKLOAD = cast(Any, SimpleNamespace(app="pg", containers=[SimpleNamespace(container="main", name="archipelago-pg")]))


@dataclass
class Command:
    """Takes the place of a command in a container."""

    says: list[tuple[LogStream, bytes]]
    code: int = 0
    typed: bytes = b""
    closed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reads_all: bool = False
    is_cut_off: bool = False

    async def terminal(self, *_: object, **__: object) -> "Command":
        return self

    async def write(self, data: bytes) -> None:
        self.typed += data

    async def end_input(self) -> None:
        self.ended.set()

    async def read_output(self) -> tuple[LogStream, bytes] | None:
        if self.reads_all:
            await self.ended.wait()
        return self.says.pop(0) if self.says else None

    async def exit_code(self) -> int:
        return self.code

    async def close(self) -> None:
        self.closed = True


def writer(command: Any) -> DumpWriter:
    secrets = SimpleNamespace(get=lambda app, name: Secret(f"{app}/{name}", "0" * 16))
    return DumpWriter(DumpStreams(command), cast(Any, secrets))


async def dump(command: Any, folder: Path) -> Dumped | NotDumped:
    return await writer(command).write(WORKLOAD, "data", DATABASE, folder)


async def test_a_dump_that_is_whole_becomes_a_file(tmp_path: Path) -> None:
    pieces = [b"x" * 700_000, b"y" * 700_000, ENDING]
    command = Command([(LogStream.STDOUT, piece) for piece in pieces])
    assert await dump(command, tmp_path) == Dumped("data.sql")
    assert (tmp_path / "data.sql").read_bytes() == b"".join(pieces)
    assert command.typed == b"pg/pass\n" and command.closed and command.ended.is_set()


@pytest.mark.parametrize("code", [0, 1, 137])
@given(cut=st.integers(1, 40))
async def test_a_dump_that_is_cut_off_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, code: int, cut: int
) -> None:
    command = Command([(LogStream.STDOUT, b"--\n" + ENDING[:-cut]), (LogStream.STDERR, b"lost\n")], code)
    if code == 0 and b"dump complete" in ENDING[:-cut]:
        return
    with pytest.raises(NodeError) as caught:
        await dump(command, tmp_path_factory.getbasetemp())
    assert caught.value.code is ErrorCode.NOT_HEALTHY and command.closed


async def test_a_dump_whose_stream_podman_lost_is_an_error_though_the_command_ended_well(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="cut off"):
        await dump(Command([(LogStream.STDOUT, ENDING)], is_cut_off=True), tmp_path)


async def test_a_command_that_never_wrote_anything_is_no_error(tmp_path: Path) -> None:
    found = await dump(Command([(LogStream.STDERR, b"no pg_dumpall\nno login")], 1), tmp_path)
    assert found == NotDumped("no login")
    assert await dump(Command([], 127), tmp_path) == NotDumped("exit code 127")


async def test_a_dump_of_no_bytes_is_none_though_the_command_ended_well(tmp_path: Path) -> None:
    database = CommandDatabase(type="command", container="main", dump=("true",), load=("cat",))
    found = await writer(Command([])).write(WORKLOAD, "data", database, tmp_path)
    assert found == NotDumped("exit code 0")


async def test_who_does_not_run_is_not_dumped_and_podman_that_is_gone_is_an_error(tmp_path: Path) -> None:
    def refusing(error: Exception) -> Any:
        async def terminal(*_: object, **__: object) -> Any:
            raise error

        return SimpleNamespace(terminal=terminal)

    call = PodmanCall("open")
    assert await dump(refusing(PodmanConflict(call, "x", status=409)), tmp_path) == NotDumped("the app does not run")
    with pytest.raises(PodmanUnavailable):
        await dump(refusing(PodmanUnavailable(call, "gone")), tmp_path)


async def test_a_full_disk_ends_the_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    command = Command([(LogStream.STDOUT, b"x" * (2 << 20))])
    with pytest.raises(NodeError) as caught:
        await dump(command, tmp_path)
    assert caught.value.code is ErrorCode.DISK_FULL and command.closed


async def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE", 0.01)
    command = Command([], reads_all=True)
    monkeypatch.setattr(command, "end_input", lambda: asyncio.sleep(0))
    with pytest.raises(NodeError) as caught:
        await dump(command, tmp_path)
    assert caught.value.code is ErrorCode.TIMEOUT and command.closed


async def test_a_command_that_drips_is_ended_and_so_is_one_without_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip() -> tuple[LogStream, bytes]:
        await asyncio.sleep(0)
        return LogStream.STDERR, b"."

    command = Command([])
    with monkeypatch.context() as patched:
        patched.setattr(module, "_LONGEST", 0.05)
        patched.setattr(command, "read_output", drip)
        with pytest.raises(NodeError, match="not ended within") as caught:
            await dump(command, tmp_path)
        assert caught.value.code is ErrorCode.TIMEOUT and command.closed
    command = Command([(LogStream.STDOUT, ENDING)])
    monkeypatch.setattr(module, "_IDLE", 0.05)
    monkeypatch.setattr(command, "exit_code", asyncio.Event().wait)
    with pytest.raises(NodeError, match="done nothing"):
        await dump(command, tmp_path)
    assert command.closed


async def test_a_load_gets_the_password_then_the_dump(tmp_path: Path) -> None:
    (tmp_path / "data.sql").write_bytes(b"z" * 3_000_000)
    command = Command([(LogStream.STDOUT, b"set\n"), (LogStream.STDERR, b"a\n" * 500)], reads_all=True)
    commands = dump_commands(DATABASE)
    ended = await DumpStreams(cast(Any, command)).load("c", commands, Secret("s", "0" * 16), tmp_path / "data.sql")
    assert command.typed == b"s\n" + commands.before + b"z" * 3_000_000
    assert ended.code == 0 and not ended.complete and len(ended.lines) < 250


async def test_a_load_whose_command_ends_early_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "data.sql").write_bytes(b"z")
    command = Command([(LogStream.STDERR, b"refused")], 2)
    ended = await DumpStreams(cast(Any, command)).load("c", dump_commands(DATABASE), None, tmp_path / "data.sql")
    assert (ended.code, ended.reason) == (2, "refused") and command.closed
