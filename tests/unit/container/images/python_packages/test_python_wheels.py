"""Wheels are checked and written again: nothing leads out of the folder, and no two readers see different files."""

import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archipelago.container.images.python_packages.wheel import BadWheel, WheelLimits, rewrite_wheel
from support.wheels import ESSENTIAL, FILENAME, GOOD, INFO, write_wheel


def rewritten(tmp_path: Path, source: Path, limits: WheelLimits | None = None) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of what a wheel is after it was checked."""
    target = tmp_path / "out.whl"
    target.unlink(missing_ok=True)
    rewrite_wheel(source, FILENAME, target, limits)
    with zipfile.ZipFile(target) as archive:
        return {info.filename: (archive.read(info), info.external_attr >> 16) for info in archive.infolist()}


def refused(tmp_path: Path, files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> str:
    """Return why a wheel is refused."""
    with pytest.raises(BadWheel) as caught:
        rewritten(tmp_path, write_wheel(tmp_path / "in.whl", files, modes))
    return str(caught.value)


def test_a_good_wheel_keeps_its_files_and_which_of_them_are_programs(tmp_path: Path) -> None:
    files = {
        **GOOD,
        "foo/tool": "#!x",
        "foo-1.0.data/scripts/run": "#!python",
        "foo-1.0.data/data/share/foo/x": "x",
        f"{INFO}/entry_points.txt": "[console_scripts]\nfoo = foo:main\nfoo.x-2=foo:main [extra]\n[other/x]\na/b=c",
        "empty/": "",
    }
    modes = {"foo/tool": stat.S_IFREG | 0o4777, "empty/": stat.S_IFDIR | 0o755}
    found = rewritten(tmp_path, write_wheel(tmp_path / "in.whl", files, modes))
    assert {name: content.decode() for name, (content, _) in found.items()} == files
    assert stat.S_IMODE(found["foo/tool"][1]) == 0o755, "without the set-user-ID bit"
    assert stat.S_IMODE(found["foo/__init__.py"][1]) == 0o644


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "foo/../../x",
        "foo/..",
        "/etc/x",
        "//x",
        "./x",
        "foo//x",
        "foo\\..\\x",
        "foo/\nx",
        "foo/\x1b[2Jx",
        "f" * 256,
        "foo-1.0.data/data/../../x",
        "foo-1.0.data/scripts/../x",
        "foo-1.0.data/scripts/a/b",
        "foo-1.0.data/elsewhere/x",
        "foo-1.0.data/x",
        "foo-1.0.DATA/../x",
        "bar-1.0.data/data/x",
        "bar-1.0.dist-info/METADATA",
        "foo-1.0.Dist-Info/METADATA",
        "foo/__init__.py/x",
        "foo",
    ],
)
def test_names_that_lead_elsewhere_or_stand_in_each_others_way_are_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, {**GOOD, name: "x"})


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644, stat.S_IFSOCK, stat.S_IFDIR | 0o755]
)
def test_links_and_devices_are_refused(tmp_path: Path, mode: int) -> None:
    reason = refused(tmp_path, {**GOOD, "foo/link": "/etc/passwd"}, {"foo/link": mode})
    assert "'foo/link' is neither a file nor a folder" in reason


@pytest.mark.parametrize(
    "line", ["../../x = foo:main", "/etc/x=foo:main", "a/b : foo:main", ".. = foo:main", ". = x:y", "\t-x = foo:main"]
)
@pytest.mark.parametrize("section", ["[console_scripts]", "[ Console_Scripts ]", "[gui_scripts]"])
def test_programs_with_a_path_as_name_are_refused(tmp_path: Path, section: str, line: str) -> None:
    text = f"[other]\r\na/b=c\r\n{section}\r\nfoo = foo:main\r\n{line}\r\n"
    assert "is not a program's name" in refused(tmp_path, {**GOOD, f"{INFO}/entry_points.txt": text})


def test_a_section_that_readers_may_take_for_another_one_is_refused(tmp_path: Path) -> None:
    for head in ("[console_scripts", "[other] [console_scripts]", "[console_scripts]x"):
        assert "has a line" in refused(tmp_path, {**GOOD, f"{INFO}/entry_points.txt": f"{head}\n../x = foo:main\n"})


def test_metadata_must_be_there_and_of_this_package(tmp_path: Path) -> None:
    for name in ESSENTIAL:
        assert name in refused(tmp_path, {each: text for each, text in GOOD.items() if each != name})
    other = {name.replace("1.0", "1.1"): text for name, text in GOOD.items()}
    assert "must have one folder foo-1.0.dist-info" in refused(tmp_path, other)


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("foo/__init__.py", "other")
    with pytest.raises(BadWheel, match="two files called"):
        rewritten(tmp_path, path)


def test_a_name_that_differs_between_the_two_places_of_a_zip_file_is_refused(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl", {**GOOD, "foo/good.py": ""})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"foo/good.py", b"../../../xy", 1))  # the local header; the directory stays
    with pytest.raises(BadWheel, match="differ"):
        rewritten(tmp_path, path)


def test_a_name_with_an_end_within_it_is_refused(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl", {**GOOD, "foo/good.py": ""})
    path.write_bytes(path.read_bytes().replace(b"foo/good.py", b"foo/g\0od.py"))
    with pytest.raises(BadWheel, match="is not a file's name"):
        rewritten(tmp_path, path)


def test_what_stands_before_or_after_the_zip_file_does_not_come_along(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl")
    hidden = write_wheel(tmp_path / "hidden.whl", {"../../evil": "x"})
    path.write_bytes(hidden.read_bytes() + path.read_bytes())
    assert rewritten(tmp_path, path).keys() == GOOD.keys()
    assert b"evil" not in (tmp_path / "out.whl").read_bytes()


def test_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl", {**GOOD, "foo/zeros": b"\0" * 1_000_000})
    assert path.stat().st_size < 10_000
    with pytest.raises(BadWheel, match="more than 999999 bytes"):
        rewritten(tmp_path, path, WheelLimits(bytes=999_999))
    with pytest.raises(BadWheel, match="more than 4 files"):
        rewritten(tmp_path, path, WheelLimits(entries=4))


def test_a_size_that_is_a_lie_gives_no_more_bytes_than_it_says(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "in.whl", {**GOOD, "foo/zeros": b"\0" * 1_000_000})
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10)))
    with pytest.raises(BadWheel):
        rewritten(tmp_path, path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_wheel_is_refused_or_read_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(write_wheel(tmp_path / "in.whl").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.whl"
    path.write_bytes(content)
    try:
        found = rewritten(tmp_path, path)
    except BadWheel:
        return
    assert not any(name.startswith("/") or ".." in name.split("/") for name in found)
