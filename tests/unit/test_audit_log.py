"""The audit log on disk: order under many writers, files, power cuts, and a key that others could read."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archipelago.errors import NodeError
from archipelago.security.audit_chain import Deed, Outcome
from archipelago.security.audit_log import AuditLog

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def log_in(folder: Path, largest_file: int = 1 << 20) -> AuditLog:
    """Return a log in a folder."""
    return AuditLog(folder / "audit", folder / "identity.key", lambda: NOW, largest_file=largest_file)


async def write(log: AuditLog, count: int) -> None:
    """Write entries, all at once."""
    await asyncio.gather(
        *(
            log.record(
                Deed(who="owner", origin="here", action="test", subject={"n": str(number)}, outcome=Outcome.DONE)
            )
            for number in range(count)
        )
    )


def only_file(folder: Path) -> Path:
    """Return the one file of the log."""
    (found,) = (folder / "audit").glob("*.jsonl")
    return found


async def test_many_writers_leave_one_chain_over_several_files_and_restarts(tmp_path: Path) -> None:
    for _ in range(3):
        log = log_in(tmp_path, largest_file=2000)
        await log.open()
        await write(log, 10)
    verdict = await log.verify()
    assert (verdict.entries, verdict.faults) == (30, ())
    assert len(list((tmp_path / "audit").glob("*.jsonl"))) > 3
    assert [entry.sequence for entry in await log.newest(7)] == list(range(24, 31))
    first = await log.lines(0, 20)
    assert len(first) == 20 and len(await log.lines(20, 20)) == 10
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "audit").iterdir())


async def test_half_a_line_of_a_power_cut_goes_and_nothing_is_missing(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 2)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes() + path.read_bytes()[:100])
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    verdict = await log.verify()
    assert (verdict.entries, verdict.faults) == (3, ())


async def test_a_kill_between_entry_and_head_loses_nothing(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    head = (tmp_path / "audit" / "head.json").read_bytes()
    await write(log, 1)
    (tmp_path / "audit" / "head.json").write_bytes(head)
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    verdict = await log.verify()
    assert (verdict.entries, verdict.faults) == (3, ())


async def test_what_was_cut_off_stays_missing_after_a_restart(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 4)
    path = only_file(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    log = log_in(tmp_path)
    await log.open()
    assert [fault.what for fault in (await log.verify()).faults] == [
        "the log ends with entry 2, but entry 4 had been written"
    ]
    await write(log, 1)
    assert [fault.what for fault in (await log.verify()).faults] == ["entries 3 to 4 are missing before it"]


@pytest.mark.parametrize("lost", ["head.json", "*"])
async def test_that_nobody_can_tell_what_is_missing_is_on_record(tmp_path: Path, lost: str) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 2)
    for path in (tmp_path / "audit").glob(lost):
        path.unlink()
    log = log_in(tmp_path)
    await log.open()
    assert (await log.newest(1))[0].action == "audit-head-lost"
    assert (await log.verify()).faults == ()


async def test_half_a_line_that_somebody_put_there_swallows_no_entry(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    with only_file(tmp_path).open("ab") as file:
        file.write(b"junk")
    await write(log, 1)
    verdict = await log.verify()
    assert [(fault.line, fault.what) for fault in verdict.faults] == [(2, "it cannot be read as an entry")]
    assert [entry.sequence for entry in await log.newest(9)] == [1, 2]


async def test_a_huge_line_that_somebody_put_in_costs_no_entry_at_the_next_start(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 3)
    path = only_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"x" * 200_000, b"\n", lines[2]]))
    before = path.read_bytes()
    log = log_in(tmp_path)
    await log.open()
    assert path.read_bytes() == before
    await write(log, 1)
    assert [entry.sequence for entry in await log.newest(9)] == [1, 2, 3, 4]
    assert {fault.what for fault in (await log.verify()).faults} == {"it cannot be read as an entry"}


async def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    path = only_file(tmp_path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    for call in (log.verify(), log.newest(1), log.lines(0, 1), write(log, 1)):
        with pytest.raises(NodeError, match="symbolic link"):
            await call


async def test_what_is_no_file_is_an_error_for_the_owner(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    (tmp_path / "audit" / "000000000001.jsonl").mkdir()
    for call in (log.verify(), log.newest(1), log.lines(0, 1)):
        with pytest.raises(NodeError, match="directory"):
            await call


async def test_a_line_feed_that_was_taken_away_hides_nothing(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 2)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    verdict = await log.verify()
    assert (verdict.entries, verdict.faults) == (3, ())


async def test_a_full_disk_leaves_no_half_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_in(tmp_path)
    await log.open()
    await write(log, 1)
    monkeypatch.setattr("archipelago.security.audit_log._write", _refuse_half)
    with pytest.raises(NodeError, match="room on the disk"):
        await write(log, 1)
    monkeypatch.undo()
    await write(log, 1)
    verdict = await log.verify()
    assert (verdict.entries, verdict.faults) == (2, ())


def _refuse_half(descriptor: int, line: bytes) -> None:
    import errno
    import os

    os.write(descriptor, line[: len(line) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
async def test_a_key_that_is_none_is_an_error_for_the_owner(tmp_path: Path, content: str) -> None:
    (tmp_path / "identity.key").write_text(content)
    (tmp_path / "identity.key").chmod(0o600)
    with pytest.raises(NodeError, match="Ed25519"):
        await log_in(tmp_path).open()


async def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    await log_in(tmp_path).open()
    (tmp_path / "identity.key").chmod(0o644)
    with pytest.raises(NodeError, match="chmod 0600"):
        await log_in(tmp_path).open()
