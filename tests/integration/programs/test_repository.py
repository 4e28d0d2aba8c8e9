"""Repositories with the real restic, in a user namespace of one id."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archipelago.api.backups import FolderTarget
from archipelago.backups.repository import Repository
from archipelago.backups.restic.access import access
from archipelago.backups.restic.launch import Ended, Order
from archipelago.backups.restic.says import ByteCount, said
from archipelago.backups.schedule import may_forget
from archipelago.errors import ErrorCode, NodeError
from support.backup_writes import LAUNCH, PASSWORD, sources, write
from support.cheap_repository import make_cheap

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(400)]


def repository(tmp_path: Path, password: str = PASSWORD, known: str = "", name: str = "disk") -> Repository:
    target = FolderTarget(kind="folder", path=str(tmp_path / name))
    return Repository(access(target, ""), password, target.path, tmp_path / "cache", LAUNCH, known)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new repository, in which is nothing; copies of it take a moment, and new ones a second."""
    folder = tmp_path_factory.mktemp("made")
    asyncio.run(repository(folder).create())
    assert (folder / "disk").stat().st_mode & 0o77 == 0
    make_cheap(folder / "disk", PASSWORD)
    return folder / "disk"


@pytest.fixture
def found(made: Path, tmp_path: Path) -> Repository:
    """A repository of one's own."""
    shutil.copytree(made, tmp_path / "disk")
    return repository(tmp_path)


@pytest.fixture(scope="module")
def filled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one backup."""
    path = tmp_path_factory.mktemp("filled")
    shutil.copytree(made, path / "disk")
    asyncio.run(write(path, repository(path), kept="text" * 1000))
    return path / "disk"


@pytest.fixture
def written(filled: Path, tmp_path: Path) -> Repository:
    """A repository of one's own with one backup, on a machine that has never seen it."""
    shutil.copytree(filled, tmp_path / "disk")
    return repository(tmp_path)


async def test_what_is_written_comes_back_and_plain_restic_reads_it(found: Repository, tmp_path: Path) -> None:
    await write(tmp_path, found, kept="text")
    (tmp_path / "volume" / "-x\n*").symlink_to("/etc/passwd")
    written = await write(tmp_path, found)
    newest, first = await found.snapshots("app")
    assert newest.id.startswith(written.id)
    assert (newest.tags["version"], first.tags["app"]) == ("1", "app")
    await found.restore(newest.id, tmp_path / "back", verify=True)
    assert (tmp_path / "back/volumes/data/kept").read_text() == "text"
    assert os.readlink(tmp_path / "back/volumes/data/-x\n*") == "/etc/passwd"
    await found.restore(first.id, tmp_path / "one", ["/volumes/data/kept"])
    assert [path.name for path in (tmp_path / "one/volumes/data").iterdir()] == ["kept"]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": found.where}
    command = ["restic", "--no-cache", "check", "--read-data"]
    assert "no errors were found" in subprocess.run(command, env=environment, capture_output=True, text=True).stdout


async def test_a_restore_tells_how_much_of_it_is_there(found: Repository, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    written = await write(tmp_path, found, kept="text" * 1000)
    told: list[ByteCount] = []

    async def slow(order: Order, on_line: Callable[[str], None]) -> Ended:
        ended = await LAUNCH(order, on_line)
        if "restore" in order.command:
            while not told or not told[-1].total:  # the size is asked for beside it
                on_line('{"message_type": "written", "bytes": 1000000}')
                await asyncio.sleep(0.01)
        return ended

    asked = Repository(found.access, PASSWORD, found.where, tmp_path / "cache", slow)
    await asked.restore_all(written.id, tmp_path / "back", told.append)
    assert (tmp_path / "back/volumes/data/kept").read_text() == "text" * 1000
    assert told[-1] == ByteCount(4000, 4000)


async def test_a_command_is_counted_while_it_runs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    script = f"import os; os.write(os.open(os.devnull, os.O_WRONLY), bytes(123_456)); open({str(tmp_path / 'gate')!r})"
    counted = asyncio.Event()
    told: list[ByteCount] = []

    def on_line(line: str) -> None:
        if isinstance(count := said(line), ByteCount):
            told.append(count)
            if count.done >= 123_456:  # before that it may have been counted too
                counted.set()

    work = asyncio.create_task(LAUNCH(Order((sys.executable, "-I", "-c", script), counted=True), on_line))
    await counted.wait()
    (tmp_path / "gate").write_text("")
    assert (await work).code == 0
    assert told[-1].done < 150_000


async def test_an_empty_folder_in_the_place_of_the_disk_gets_no_repository(found: Repository, tmp_path: Path) -> None:
    known = await found.id()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    (tmp_path / "disk").mkdir()
    with pytest.raises(NodeError) as refused:
        await repository(tmp_path, known=known).open()
    assert refused.value.code is ErrorCode.DATA_MISSING
    assert not list((tmp_path / "disk").iterdir())


async def test_another_repository_in_the_place_is_refused(found: Repository, tmp_path: Path) -> None:
    known = await found.id()
    await repository(tmp_path, name="other").create()
    with pytest.raises(NodeError, match="another repository"):
        await repository(tmp_path, known=known, name="other").open()


async def test_a_repository_that_was_seen_once_is_known_by_its_file(found: Repository, tmp_path: Path) -> None:
    asked: list[str] = []

    async def counted(order: Order, on_line: Callable[[str], None]) -> Ended:
        asked.append(order.command[1])
        return await LAUNCH(order, on_line)

    known = await found.id()
    seen = Repository(found.access, PASSWORD, found.where, tmp_path / "cache", counted, known)
    await seen.open()
    await seen.open()
    assert asked == ["cat"]
    (tmp_path / "disk/locks/stale").touch()
    await seen.open()
    assert asked == ["cat", "unlock"]
    config = tmp_path / "disk/config"
    config.chmod(0o600)
    config.write_bytes(config.read_bytes()[::-1])
    with pytest.raises(NodeError):
        await seen.open()
    config.unlink()
    with pytest.raises(NodeError) as refused:
        await seen.open()
    assert refused.value.code is ErrorCode.DATA_MISSING


async def test_a_wrong_password_is_said_to_be_one(found: Repository, tmp_path: Path) -> None:
    with pytest.raises(NodeError) as refused:
        await repository(tmp_path, "f" * 64).create()
    assert refused.value.code is ErrorCode.WRONG_CREDENTIALS


async def test_files_that_cannot_be_read_leave_no_snapshot(found: Repository, tmp_path: Path) -> None:
    given = sources(tmp_path, kept="text")

    async def unreadable(order: Order, on_line: Callable[[str], None]) -> Ended:
        ended = await LAUNCH(order, on_line)
        return Ended(3, "error: read /volumes/data/kept: input/output error") if "backup" in order.command else ended

    broken = Repository(found.access, PASSWORD, found.where, tmp_path / "cache", unreadable)
    with pytest.raises(NodeError):
        await broken.write(given, {"app": "app", "version": "1"}, lambda _: None)
    assert await found.snapshots() == ()


async def test_a_cancel_leaves_no_snapshot_and_no_lock(found: Repository, tmp_path: Path) -> None:
    given = sources(tmp_path)
    (tmp_path / "volume/large").touch()
    os.truncate(tmp_path / "volume/large", 64 << 30)  # a hole, of which nobody is done before it is cancelled
    started = asyncio.Event()
    work = asyncio.create_task(found.write(given, {"app": "app", "version": "1"}, lambda _: started.set()))
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not list((tmp_path / "disk/locks").iterdir())
    assert await found.snapshots() == ()


async def test_a_disk_that_is_pulled_out_meanwhile_has_no_new_backup(found: Repository, tmp_path: Path) -> None:
    async def pulled_out(order: Order, on_line: Callable[[str], None]) -> Ended:
        ended = await LAUNCH(order, on_line)
        if "backup" in order.command:
            (tmp_path / "disk").rename(tmp_path / "pulled")
            (tmp_path / "disk").mkdir()
        return ended

    marked: list[str] = []

    async def mark(snapshot: str) -> None:
        marked.append(snapshot)

    cut = Repository(found.access, PASSWORD, found.where, tmp_path / "cache", pulled_out, mark_void=mark)
    with pytest.raises(NodeError) as refused:
        await write(tmp_path, cut, kept="text")
    assert refused.value.code is ErrorCode.DATA_MISSING
    (there,) = (tmp_path / "pulled/snapshots").iterdir()
    assert there.name.startswith(marked[0]), "nobody has looked whether it is of one version"


async def test_nothing_is_written_to_the_empty_folder_that_a_disk_leaves(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "disk")
    target = FolderTarget(kind="folder", path=str(tmp_path / "disk"))
    slow = replace(access(target, ""), options=("--limit-upload", "1000"))
    given = sources(tmp_path)
    (tmp_path / "volume/large").write_bytes(os.urandom(3 << 20))
    work = asyncio.create_task(
        Repository(slow, PASSWORD, target.path, tmp_path / "cache", LAUNCH).write(
            given, {"app": "app", "version": "1"}, lambda _: None
        )
    )
    while not list((tmp_path / "disk/locks").glob("*")):
        assert not work.done()
        await asyncio.sleep(0.001)
    (tmp_path / "disk").rename(tmp_path / "pulled")
    (tmp_path / "disk").mkdir()
    with pytest.raises(NodeError) as refused:
        await work
    assert refused.value.code is ErrorCode.DATA_MISSING and not list((tmp_path / "disk").iterdir())
    assert not list((tmp_path / "pulled/locks").iterdir()), "restic ended as it does"


async def test_errors_name_the_folder_as_its_owner_knows_it(found: Repository, tmp_path: Path) -> None:
    for key in (tmp_path / "disk/keys").iterdir():
        key.unlink()
    with pytest.raises(NodeError) as refused:
        await found.snapshots()
    assert "/proc/" not in f"{refused.value.message} {refused.value.hint} {refused.value.data}"


async def test_no_command_line_and_no_environment_shows_the_password(tmp_path: Path) -> None:
    script = "cat /proc/$$/cmdline /proc/$PPID/cmdline; env; cat $RESTIC_PASSWORD_FILE"
    order = Order(("sh", "-c", script), password="the-secret")
    lines: list[str] = []
    await LAUNCH(order, lines.append)
    assert lines[-1].endswith("the-secret")
    assert "the-secret" not in "".join(lines)[: -len("the-secret")]
    assert "the-secret" not in repr(order)


async def test_snapshots_of_the_future_push_nothing_out(found: Repository, tmp_path: Path) -> None:
    real = await write(tmp_path, found, kept="real")
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": found.where}
    for year in range(2060, 2062):
        words = ["restic", "--no-cache", "backup", "--host", "archipelago", "--tag", "app=app", "--time"]
        command = [*words, f"{year}-01-01 00:00:00", str(tmp_path / "volume")]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    await found.thin_out(["app"])
    assert any(each.id.startswith(real.id) for each in await found.snapshots("app"))
    now = datetime.now(UTC)
    assert not may_forget([each.at for each in await found.snapshots("app")], now)


async def test_a_note_is_apart_from_backups_and_outlives_their_retention(tmp_path: Path, found: Repository) -> None:
    await write(tmp_path, found, kept="text")
    (tmp_path / "streams" / "proof").mkdir(parents=True)
    (tmp_path / "streams" / "proof" / "copy").write_bytes(b"\0channels")
    folders = {"streams": str(tmp_path / "streams")}
    note = await found.note(folders, str(tmp_path / "view"), "app", {"lease.channels": "s.1.n"})
    assert [each.tags.get("lease.channels") for each in await found.snapshots("app")] == [None]
    assert [each.tags["lease.channels"] for each in await found.notes("app")] == ["s.1.n"]
    assert await found.notes("other") == ()
    await found.thin_out(["app"])
    (left,) = await found.notes("app")
    await found.restore(note, tmp_path / "back", ["/streams/proof/copy"])
    assert (tmp_path / "back/streams/proof/copy").read_bytes() == b"\0channels"
    await found.forget_all([left.id])
    assert await found.notes("app") == () and len(await found.snapshots("app")) == 1


async def test_another_password_opens_the_repository_until_it_is_removed(found: Repository, tmp_path: Path) -> None:
    mine = "correct horse battery"
    await found.add_password(mine, "owner")
    node, added = await found.passwords()
    assert (node.node, added.node, added.label) == (True, False, "owner")
    assert await repository(tmp_path, mine).id() == await found.id()
    await found.remove_password(added.id)
    with pytest.raises(NodeError) as refused:
        await repository(tmp_path, mine).id()
    assert refused.value.code is ErrorCode.WRONG_CREDENTIALS


def _flip(path: Path) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("what", "damage"),
    [
        ("data/*/*", _flip),
        ("data/*/*", Path.unlink),
        ("index/*", _flip),
        ("index/*", Path.unlink),
        ("snapshots/*", _flip),
    ],
)
async def test_a_repository_without_some_of_its_files_is_said_to_be_damaged(
    written: Repository, tmp_path: Path, what: str, damage: Callable[[Path], None]
) -> None:
    for path in (tmp_path / "disk").glob(what):
        damage(path)
    started = time.monotonic()
    with pytest.raises(NodeError, match="damaged") as found:
        await written.check("100%")
    assert found.value.hint
    with pytest.raises(NodeError, match="damaged"):
        await written.restore("latest", tmp_path / "back", verify=True)
    assert time.monotonic() - started < 300, "restic itself tries for a quarter of an hour"


async def test_a_snapshot_that_is_gone_is_no_backup(written: Repository, tmp_path: Path) -> None:
    (newest,) = await written.snapshots("app")
    (tmp_path / "disk/snapshots" / newest.id).unlink()
    assert await written.snapshots() == ()
    with pytest.raises(NodeError) as refused:
        await written.restore(newest.id, tmp_path / "back")
    assert refused.value.code is ErrorCode.DATA_MISSING


async def test_a_list_of_many_snapshots_is_one_long_line(found: Repository, tmp_path: Path) -> None:
    each = '{"id": "%064d", "time": "2026-11-30T04:00:00Z", "tags":["app=app"], "hostname":"archipelago","of":"%0600d"}'
    script = f"print('[' + ','.join({each!r} % (i, 0) for i in range(9_000)) + ']')"

    async def long(order: Order, on_line: Callable[[str], None]) -> Ended:
        return await LAUNCH(Order((sys.executable, "-I", "-c", script)), on_line)

    asked = Repository(found.access, PASSWORD, found.where, tmp_path / "cache", long)
    assert len(await asked.snapshots("app")) == 9_000


def _refusing(found: Repository, tmp_path: Path, *, says: str, notes: bool, marked: list[str]) -> Repository:
    """Return a repository where no file of an app is read whole, and nothing can be deleted."""

    async def mark(snapshot: str) -> None:
        marked.append(snapshot)

    async def refused(order: Order, on_line: Callable[[str], None]) -> Ended:
        if "forget" in order.command or (order.command[-1] == os.devnull and not notes):
            return Ended(1, says)
        ended = await LAUNCH(order, on_line)
        whole = "backup" not in order.command or order.command[-1] == os.devnull
        return ended if whole else Ended(3, "error: read /volumes/data/kept: input/output error")

    return Repository(found.access, PASSWORD, found.where, tmp_path / "cache", refused, mark_void=mark)


@pytest.mark.parametrize("says", ["remove(<snapshot/1>): 403 Forbidden", "unable to create lock", "no route"])
async def test_an_incomplete_backup_that_cannot_be_deleted_is_none(
    written: Repository, tmp_path: Path, says: str
) -> None:
    (whole,) = await written.snapshots()
    broken = _refusing(written, tmp_path, says=says, notes=True, marked=[])
    with pytest.raises(NodeError, match="input/output error"):
        await write(tmp_path, broken, kept="half")
    assert len(list((tmp_path / "disk/snapshots").iterdir())) == 3, "both, and the note"
    assert [each.id for each in await written.snapshots()] == [whole.id], "another machine sees the note"
    assert [each.id for each in await written.snapshots("app")] == [whole.id]
    assert await written.notes("app") == (), "and who looks for copies or claims does not"
    await written.forget_void()
    assert [path.name for path in (tmp_path / "disk/snapshots").iterdir()] == [whole.id]


async def test_this_node_leaves_out_what_it_could_not_even_note(written: Repository, tmp_path: Path) -> None:
    (whole,) = await written.snapshots()
    marked: list[str] = []
    cut = _refusing(written, tmp_path, says="no route to host", notes=False, marked=marked)
    with pytest.raises(NodeError, match="input/output error"):
        await write(tmp_path, cut, kept="half")
    known = Repository(written.access, PASSWORD, written.where, tmp_path / "cache", LAUNCH, void=marked)
    assert [each.id for each in await known.snapshots()] == [whole.id]
    assert await known.forget_void() == tuple(marked)
    assert [path.name for path in (tmp_path / "disk/snapshots").iterdir()] == [whole.id]
