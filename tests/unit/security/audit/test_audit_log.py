"""The audit log on disk: order under many writers, files, power cuts, and a key that others could read."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archipelago.errors import NodeError
from archipelago.security.audit.chain import AuditAction, Head, Outcome, decode, encode
from archipelago.security.audit.head import SignedHead
from archipelago.security.audit.log import AuditLog

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def log_in(folder: Path, largest_file: int = 1 << 20) -> AuditLog:
    """Return a log in a folder."""
    return AuditLog(folder / "audit", folder / "identity.key", lambda: NOW, largest_file=largest_file)


async def write(log: AuditLog, count: int) -> None:
    """Write entries, all at once."""
    await asyncio.gather(
        *(
            log.record(
                AuditAction(who="owner", origin="here", action="test", subject={"n": str(number)}, outcome=Outcome.DONE)
            )
            for number in range(count)
        )
    )


async def test_a_text_that_is_too_long_for_an_entry_shows_that_it_was_cut_off(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    await log.open()
    for length in (200, 201, 5000):
        subject = {"command": "x" * length}
        await log.record(AuditAction(who="owner", origin="here", action="test", subject=subject, outcome=Outcome.DONE))
    short, *cut = [entry.subject["command"] for entry in await log.newest(3)]
    assert short == "x" * 200 and cut == ["x" * 199 + "…"] * 2


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
    monkeypatch.setattr("archipelago.security.audit.files._write", _refuse_half)
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


def head_file(folder: Path) -> Path:
    """Return where the head is."""
    return folder / "audit" / "head.json"


async def reopened(folder: Path) -> AuditLog:
    """Return the log as the next start finds it."""
    log = log_in(folder)
    await log.open()
    return log


async def faults(log: AuditLog) -> list[str]:
    """Return what is wrong with the log."""
    return [fault.what for fault in (await log.verify()).faults]


def cut_off(folder: Path, left: int) -> Head:
    """Cut the end of the log off; return the head of what is left, which needs no key to be known."""
    path = only_file(folder)
    lines = path.read_bytes().splitlines(keepends=True)[:left]
    path.write_bytes(b"".join(lines))
    return decode(lines[-1]).head


async def test_the_end_cannot_be_cut_off_with_a_head_that_was_made_without_the_key(tmp_path: Path) -> None:
    log = await reopened(tmp_path)
    await write(log, 4)
    head = cut_off(tmp_path, 2)
    for forged in (
        head.model_dump_json() + "\n",
        SignedHead(**head.model_dump(), signature="").model_dump_json() + "\n",
        SignedHead(**head.model_dump(), signature=decode(lines_of(tmp_path)[-1]).signature).model_dump_json() + "\n",
        "",
    ):
        head_file(tmp_path).write_text(forged)
        log = await reopened(tmp_path)
        assert (await log.newest(1))[0].action == "audit-head-lost", forged
        cut_off(tmp_path, 2)


def lines_of(folder: Path) -> list[bytes]:
    """Return the lines of the log."""
    return only_file(folder).read_bytes().splitlines(keepends=True)


async def test_a_head_without_signature_is_taken_over_once_from_an_older_version(tmp_path: Path) -> None:
    log = await reopened(tmp_path)
    await write(log, 3)
    # As the version before wrote both.
    key = tmp_path / "identity.key"
    key.write_bytes(key.read_bytes().partition(b"\n")[2])
    old = decode(lines_of(tmp_path)[-1]).head
    head_file(tmp_path).write_bytes(old.model_dump_json().encode() + b"\n")
    log = await reopened(tmp_path)
    await write(log, 1)
    assert await faults(log) == [] and len(await log.newest(9)) == 4
    assert b"signature" in head_file(tmp_path).read_bytes()
    # And once alone: this is what somebody would do who wants to cut the end off.
    head = cut_off(tmp_path, 2)
    head_file(tmp_path).write_bytes(head.model_dump_json().encode() + b"\n")
    log = await reopened(tmp_path)
    assert (await log.newest(1))[0].action == "audit-head-lost"
    assert await faults(log) == ["entry 3 is missing before it"]


async def test_an_older_head_that_was_signed_is_noticed_after_a_start(tmp_path: Path) -> None:
    log = await reopened(tmp_path)
    await write(log, 2)
    older = head_file(tmp_path).read_bytes()
    await write(log, 3)
    await reopened(tmp_path)  # the start notes that there were five entries
    cut_off(tmp_path, 2)
    head_file(tmp_path).write_bytes(older)
    log = await reopened(tmp_path)
    assert (await log.newest(1))[0].action == "audit-head-lost"
    assert await faults(log) == ["entries 3 to 5 are missing before it"]


async def test_a_crash_that_spoils_one_half_of_the_head_loses_nothing(tmp_path: Path) -> None:
    log = await reopened(tmp_path)
    await write(log, 3)
    whole = head_file(tmp_path).read_bytes()
    for spoiled in (whole[:512] + b"\0" * 512, b"\0" * 512 + whole[512:], whole[:700]):
        head_file(tmp_path).write_bytes(spoiled)
        log = await reopened(tmp_path)
        assert await faults(log) == []
    assert (await log.newest(1))[0].action == "test"


async def test_a_head_that_is_taken_away_while_the_node_runs_comes_back(tmp_path: Path) -> None:
    log = await reopened(tmp_path)
    await write(log, 2)
    head_file(tmp_path).unlink()
    await write(log, 1)
    log = await reopened(tmp_path)
    assert await faults(log) == [] and (await log.newest(1))[0].action == "test"


async def refuse(log: AuditLog, count: int) -> None:
    """Write refusals."""
    for number in range(count):
        await log.record(
            AuditAction(who="nobody", origin=f"192.168.0.{number}", action="container-list", outcome=Outcome.REFUSED)
        )


async def test_old_refusals_are_dropped_and_the_chain_goes_on(tmp_path: Path) -> None:
    log = log_in(tmp_path, largest_file=3000)
    await log.open()
    for _ in range(4):
        await write(log, 2)
        await refuse(log, 20)
    before = sum(path.stat().st_size for path in (tmp_path / "audit").iterdir())
    kept = await log.newest(1000)
    await log.drop_old_refusals()
    verdict = await log.verify()
    assert verdict.faults == () and verdict.dropped > 40 and verdict.head.sequence == 88
    assert sum(path.stat().st_size for path in (tmp_path / "audit").iterdir()) < before / 2
    left = await log.newest(1000)
    assert [entry for entry in left if entry.action == "test"] == [entry for entry in kept if entry.action == "test"]
    log = log_in(tmp_path, largest_file=3000)
    await log.open()
    await log.drop_old_refusals()
    await write(log, 1)
    assert (await log.verify()).faults == () and (await log.verify()).dropped == verdict.dropped


async def test_what_somebody_changed_is_not_dropped_with_the_refusals(tmp_path: Path) -> None:
    log = log_in(tmp_path, largest_file=3000)
    await log.open()
    await refuse(log, 40)
    path = sorted((tmp_path / "audit").glob("0*.jsonl"))[0]
    path.write_bytes(path.read_bytes().replace(b"192.168.0.2", b"192.168.9.2", 1))
    await log.drop_old_refusals()
    assert any("it was changed" in what for what in await faults(log))


@pytest.mark.parametrize("with_hash", [True, False])
async def test_a_forged_last_line_does_not_lead_the_log_on(tmp_path: Path, with_hash: bool) -> None:
    log = await reopened(tmp_path)
    await write(log, 2)
    forged = decode(lines_of(tmp_path)[-1])
    forged = forged.model_copy(update={"entry": forged.entry.model_copy(update={"sequence": 999_999})})
    if with_hash:  # to which no signature fits
        forged = forged.model_copy(update={"hash": "1" * 64})
    with only_file(tmp_path).open("ab") as file:
        file.write(encode(forged))
    log = await reopened(tmp_path)
    await write(log, 1)
    assert [entry.sequence for entry in await log.newest(9)] == [1, 2, 999_999, 3]
    assert len(await faults(log)) >= 2
