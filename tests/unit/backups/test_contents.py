"""What goes into a backup, for every manifest; and what restic says, whatever it says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.api.backups import VolumeWay
from archipelago.backups.contents import left_out, sources
from archipelago.backups.restic.says import ByteCount, Written, failure, only_vanished, said
from archipelago.container.data.data_classes import app_volumes
from archipelago.container.manifest.model.data import DataClass
from archipelago.errors import ErrorCode
from archipelago.storage.records.volumes import StrictestClass
from support.app_manifests import app
from support.app_records import record_of

VOLUMES = st.dictionaries(st.sampled_from(["chain", "keys", "notes", "pool"]), st.sampled_from(DataClass), max_size=4)


def volume(data: DataClass, kind: str = "sqlite") -> dict[str, object]:
    return {"data": data.value} | ({"database": {"type": kind, "paths": ["db"]}} if data == "database" else {})


@given(VOLUMES, st.sampled_from(["sqlite", "lmdb"]))
def test_every_volume_is_backed_up_but_those_that_must_not_or_need_not_be(
    drawn: dict[str, DataClass], kind: str
) -> None:
    manifest = app("harbour", volumes={name: volume(data, kind) for name, data in drawn.items()})
    volumes = app_volumes(record_of(manifest))
    found = {each.volume.name: each.way for each in sources(volumes)}
    assert found.keys() | left_out(volumes).keys() == drawn.keys()
    for name, data in drawn.items():
        assert (name in found) is (data not in (DataClass.NEVER_RESTORE, DataClass.REBUILDABLE))
        if data is DataClass.DATABASE:
            assert found[name] is (VolumeWay.SQLITE if kind == "sqlite" else VolumeWay.STOPPED)


def test_what_an_earlier_version_did_not_want_to_lose_is_backed_up() -> None:
    manifest = app("harbour", volumes={"notes": volume(DataClass.REBUILDABLE), "pool": volume(DataClass.DATABASE)})
    known = {
        "notes": StrictestClass(DataClass.DATABASE, False),
        "pool": StrictestClass(DataClass.APPEND_PROOF, True),
        "keys": StrictestClass(DataClass.FILES, True),
        "chain": StrictestClass(DataClass.FILES, False),
    }
    found = {each.volume.name: each.way for each in sources(app_volumes(record_of(manifest, known)))}
    assert found == {"notes": VolumeWay.STOPPED, "pool": VolumeWay.SQLITE, "keys": VolumeWay.LIVE}


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_line_of_restic_is_a_mistake(line: str) -> None:
    assert said(line) is None


def test_lines_of_restic_say_how_far_it_is() -> None:
    assert said('{"message_type":"status","percent_done":0.5,"total_bytes":9,"bytes_done":3}') == ByteCount(3, 9)
    line = '{"message_type":"summary","snapshot_id":"ab","total_bytes_processed":9,"data_added":2}'
    assert said(line) == Written("ab", 9, 2)
    assert ByteCount(12, 9).percent == 100


@given(st.integers(1, 255), st.text())
def test_every_failure_has_words_and_a_way_on(code: int, errors: str) -> None:
    error = failure(code, errors, "/media/usb")
    assert error.message and (error.hint or error.code is ErrorCode.FORBIDDEN)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ("Fatal: unable to open config file: stat /x/config: no such file or directory", ErrorCode.DATA_MISSING),
        ("Fatal: unable to open config file: stat /x/config: permission denied", ErrorCode.FORBIDDEN),
        ("Fatal: unable to open repository at /x: ReadDir: open /x/keys: permission denied", ErrorCode.FORBIDDEN),
        ("Fatal: create repository at /x failed: mkdir /x/keys: permission denied", ErrorCode.FORBIDDEN),
        ("error: open /x/volumes/data/own: permission denied", ErrorCode.INTERNAL),
        ("Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized", "wrong-credentials"),
        ("Fatal: unable to open config file: Head: dial tcp: connect: connection refused", ErrorCode.INTERNAL),
        ("blob not removed, server response: 403 Forbidden (403)\ngithub.com/restic/x\n\truntime/asm.s:1", "forbidden"),
        ("Fatal: unable to save snapshot: write /x: no space left on device", ErrorCode.DISK_FULL),
        ("Fatal: wrong password or no key found", ErrorCode.WRONG_CREDENTIALS),
        ("Load(<data/1>, 0, 0) failed: ciphertext verification failed", ErrorCode.INTERNAL),
        ("Remove(<snapshot/1>) returned error, retrying after 1s: Access Denied.", ErrorCode.FORBIDDEN),
        ("Fatal: unable to open config file: Stat: Access Denied.", ErrorCode.WRONG_CREDENTIALS),
        ("Stat: The request signature we calculated does not match the one you provided.", "wrong-credentials"),
        ("Fatal: unable to open config file: Stat: The specified bucket does not exist.", ErrorCode.DATA_MISSING),
        ("subprocess ssh: Host key verification failed.\nFatal: EOF", ErrorCode.WRONG_CREDENTIALS),
        ("subprocess ssh: me@x: Permission denied (publickey).\nFatal: EOF", ErrorCode.WRONG_CREDENTIALS),
        ('Fatal: unable to save snapshot: Write: sftp: "Failure" (SSH_FX_FAILURE)', ErrorCode.DISK_FULL),
        ('Fatal: exec: "ssh": executable file not found in $PATH', ErrorCode.INTERNAL),
    ],
)
def test_only_a_target_without_a_repository_is_said_to_have_none(errors: str, code: str) -> None:
    assert failure(1, errors, "/media/usb").code == code


def test_what_rclone_says_is_quoted() -> None:
    errors = "rclone: 2026/11/30 Failed to create file system: connection refused\nFatal: error talking HTTP to rclone"
    assert "connection refused" in failure(1, errors, "rclone:box:x").message


def test_only_files_that_went_away_are_no_failure() -> None:
    gone = "error: lstat /x/volumes/data/tmp: no such file or directory"
    assert only_vanished(f"{gone}\nWarning: at least one source file could not be read\n")
    assert not only_vanished(f"{gone}\nerror: read /x: input/output error")
    assert not only_vanished("")
