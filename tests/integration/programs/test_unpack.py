"""scripts/unpack, which root runs on the output of untrusted code: plain files and folders, or nothing at all."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.checkout import CHECKOUT
from support.examples import examples

UNPACK = CHECKOUT / "scripts" / "unpack"

TYPES = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE}


def member(name: str, kind: bytes = tarfile.REGTYPE, *, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, target, mode
    return found


def archive(*members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for one in members:
            info, content = one if isinstance(one, tuple) else (one, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


def unpack(folder: Path, stream: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-I", UNPACK, folder], input=stream, capture_output=True, timeout=60)


def refused(folder: Path, stream: bytes) -> str:
    """Unpack, and return why that was refused; nothing is left."""
    done = unpack(folder, stream)
    assert done.returncode == 1
    assert not folder.exists()
    message = done.stderr.decode()
    assert message.startswith(f"archipelago: {folder} is not made: ")
    assert "Traceback" not in message
    return message


def test_files_and_folders_come_with_modes_of_our_own(tmp_path: Path) -> None:
    page = tmp_path / "page"
    stream = archive(
        member(".", tarfile.DIRTYPE, mode=0o777),
        member("./assets", tarfile.DIRTYPE, mode=0o000),
        (member("./assets/page.js", mode=0o4777), b"1"),
        (member("more/index.html", mode=0o000), b"<p>"),
    )
    assert unpack(page, stream).returncode == 0
    assert (page / "assets/page.js").read_bytes() == b"1"
    assert (page / "more/index.html").read_bytes() == b"<p>"
    for path in (page, *page.rglob("*")):
        assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text("secret")
    stream = archive((member("first"), b"1"), member("second", TYPES[kind], target="../secret"))
    assert "'second' is not a plain file" in refused(tmp_path / "page", stream)


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "a\nb", "\x1b[2J", "/".join("a" * 17)])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert "does not name a place in it" in refused(tmp_path / "page", archive((member(name), b"1")))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_through_a_link_of_before(tmp_path: Path) -> None:
    stream = archive(member("out", tarfile.SYMTYPE, target=str(tmp_path)), (member("out/file"), b"1"))
    refused(tmp_path / "page", stream)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_written_twice(tmp_path: Path) -> None:
    assert "exists" in refused(tmp_path / "page", archive((member("a"), b"1"), (member("a"), b"2")))


def test_a_file_of_holes_is_refused(tmp_path: Path) -> None:
    # One of a terabyte takes a few bytes of an archive.
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(1 << 40)
    made = subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", "-", "hole"], capture_output=True, check=True)
    assert "'hole' is not a plain file" in refused(tmp_path / "page", made.stdout)


def test_too_much_is_refused(tmp_path: Path) -> None:
    assert "more than 2000 files" in refused(tmp_path / "page", archive(*(member(f"{n}") for n in range(2_001))))
    head = member("large")
    head.size = 1 << 40
    endless = head.tobuf() + bytes(70 << 20)
    assert f"more than {64 << 20} bytes" in refused(tmp_path / "page", endless)


@pytest.mark.parametrize("spoil", [lambda whole: b"", lambda whole: whole[:700], lambda whole: b"\xff" * 5000])
def test_what_is_no_archive_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    refused(tmp_path / "page", spoil(archive((member("file"), b"1" * 2000))))


@settings(max_examples=examples(25))
@given(st.data())
def test_no_damage_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    stream = bytearray(archive((member("a" * 120), b"1"), member("b", tarfile.DIRTYPE), (member("b/c"), b"2" * 600)))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged") / "page"
    done = unpack(folder, bytes(stream))
    assert done.returncode in (0, 1)
    assert b"Traceback" not in done.stderr


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("before")
    done = unpack(tmp_path, archive((member("file"), b"1")))
    assert done.returncode == 1
    assert (tmp_path / "file").read_text() == "before"
