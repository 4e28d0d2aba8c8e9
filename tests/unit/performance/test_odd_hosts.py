"""What a host says of itself may be odd: nothing but `NodeError` comes of it, and nobody hides behind it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archipelago.api.system import Finding, Severity
from archipelago.config import read_config
from archipelago.container.images.build.watch import usage_of
from archipelago.errors import NodeError
from archipelago.performance import host
from archipelago.performance.checks.setup import granted_ids
from archipelago.performance.doctor import examine_without_node
from archipelago.rpc.protocol import encode
from archipelago.security.keys.certificates import Certificates
from archipelago.storage.layout_migration import mount_points, read_mounts
from archipelago.support.process import is_alive
from archipelago.support.process_status import read_process
from support.sealed_keys import NOW, Sealed

_PR_SET_NAME = 15
_NAMED = f"""
import ctypes, sys
ctypes.CDLL(None).prctl({_PR_SET_NAME}, bytes.fromhex(sys.argv[1]), 0, 0, 0)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[b"\xff\xfe) Z", b"x\rUid:\t0\t0", b"\rRssAnon:", b") Z 1"], ids=repr)
def named(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process of ours that calls itself what an app could, to look dead or to break whoever reads its status."""
    command = [sys.executable, "-c", _NAMED, request.param.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        yield process.pid
        process.kill()


def test_a_process_hides_behind_no_name(named: int) -> None:
    assert is_alive(named)
    status = read_process(Path("/proc"), named)
    assert status is not None and not status.seccomp_filter
    uid = int(Path(f"/proc/{named}").stat().st_uid)
    memory, processes = usage_of(range(uid, uid + 1))
    assert memory > 0 and processes >= 2


def test_a_disk_mounted_at_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    places = ("/media/a\u2028b".encode(), b"/media/\xff", b"/media/c\\040d")
    lines = (b"36 35 98:0 /mnt1 %s rw,noatime master:1 - ext3 /dev/root rw\n" % place for place in places)
    (tmp_path / "mountinfo").write_bytes(b"".join(lines))
    found = mount_points(read_mounts(tmp_path / "mountinfo"))
    assert found == (Path("/media/a\u2028b"), Path("/media/\udcff"), Path("/media/c d"))
    assert Path("/proc") in mount_points(read_mounts())


@pytest.mark.parametrize("content", [b"", b"MemTotal:\n", b"\xff\xfe", b"MemTotal: many kB\n"])
def test_memory_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: content)
    with pytest.raises(NodeError, match="/proc/meminfo"):
        host.memory()


@pytest.mark.parametrize(
    "content", [b"\n /32 host LOCAL\n", b" |-- 999.1.1.1\n /32 host LOCAL\n", b"\xff\n/32 host LOCAL"]
)
def test_addresses_are_all_there_or_none_is_believed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda _: content)
    with pytest.raises(NodeError, match="fib_trie"):
        host.own_addresses()


def test_ids_granted_to_others_in_other_letters_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "subuid").write_bytes(b"j\xfcrgen:100000:65536\narchipelago:1000000:16777216\n")
    assert list(granted_ids((tmp_path / "subuid",))) == []


def test_the_doctor_says_what_it_cannot_read_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "memory", lambda: int("many"))
    config = read_config({"ARCHIPELAGO_ROOT": str(tmp_path)}, tmp_path)
    findings = {finding.check: finding for finding in examine_without_node(config, "it is off", "start it")}
    assert findings["memory"].severity is Severity.NOTE and "many" in findings["memory"].what
    assert "disk" in findings


def test_a_damaged_authority_is_said_with_a_way_on(tmp_path: Path) -> None:
    kept = Certificates(tmp_path, Sealed(), "island", now=lambda: NOW)
    kept.authority()
    for damaged in ("authority.crt", "authority.key.age"):
        before = (tmp_path / damaged).read_bytes()
        for content in (b"", b"-----BEGIN CERTIFICATE-----\n\xff\n", before[: len(before) // 2]):
            (tmp_path / damaged).write_bytes(content)
            with pytest.raises(NodeError) as told:
                kept.authority()
            assert "backup" in told.value.hint
        (tmp_path / damaged).write_bytes(before)
    kept.authority()


def test_a_file_whose_name_is_no_text_can_be_told_of() -> None:
    finding = Finding(check="left-data", severity=Severity.NOTE, what="/data/\udcff\u00e9", mend="none")
    answer = json.loads(encode({"result": (finding, float("nan"))}))
    assert answer["result"][0]["what"] == "/data/\\udcff\u00e9" and answer["result"][1] is None
    with pytest.raises(ValueError):
        encode(object())
