"""What is in an image: databases read, documents written, updates compared."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.security.sbom import reader
from archipelago.security.sbom.databases import Difference, Ecosystem, Package, compare, packages
from archipelago.security.sbom.document import document, packages_of
from archipelago.security.sbom.reader import INCOMPLETE, _collect
from archipelago.security.sbom.store import SbomStore

FILES = {
    "lib/apk/db/installed": b"C:Q1\nP:musl\nV:1.2.5-r0\nL:MIT\n\nP:busybox\nV:1.36.1-r29\nL:GPL-2.0-only\n",
    "var/lib/dpkg/status": b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9+deb12u10\nDescription: x\n  Package: no\n",
    "var/lib/dpkg/status.d/tor": b"Package: tor\nVersion: 0.4.9.1-1\nArchitecture: amd64\n",
    "usr/lib/python3/dist-packages/aiorpcX-0.23.dist-info/METADATA": b"Name: aiorpc_X\nVersion: 0.23\nLicense: MIT\n",
    "app/node_modules/@vue/core/package.json": b'{"name": "@vue/core", "version": "3.5.1", "license": "MIT"}',
    "app/node_modules/broken/package.json": b'{"name": ["x"], "version": 7',
}
FOUND = (
    Package(Ecosystem.ALPINE, "busybox", "1.36.1-r29", "GPL-2.0-only"),
    Package(Ecosystem.ALPINE, "musl", "1.2.5-r0", "MIT"),
    Package(Ecosystem.DEBIAN, "libc6", "2.36-9+deb12u10"),
    Package(Ecosystem.DEBIAN, "tor", "0.4.9.1-1"),
    Package(Ecosystem.NPM, "@vue/core", "3.5.1", "MIT"),
    Package(Ecosystem.PYPI, "aiorpc-x", "0.23", "MIT"),
)
PACKAGES = st.builds(
    Package,
    st.sampled_from(Ecosystem),
    st.sampled_from(["a", "b", "c", "lib-d"]),
    st.sampled_from(["1", "2:3.4-1~x", "5+dfsg"]),
)


def test_each_database_is_read() -> None:
    assert packages(FILES) == FOUND


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_a_line_ends_where_the_package_managers_end_it(character: str) -> None:
    found = packages(
        {
            "lib/apk/db/installed": f"P:musl\nV:1\nT:text{character}V:9\n".encode(),
            "var/lib/dpkg/status": f"Package: tor\nVersion: 1\nSection: text{character}Version: 9\n".encode(),
        }
    )
    assert found == (Package(Ecosystem.ALPINE, "musl", "1"), Package(Ecosystem.DEBIAN, "tor", "1"))


def test_a_document_is_the_same_each_time() -> None:
    text = document("localhost/x:1", "ab" * 32, FOUND)
    assert text == document("localhost/x:1", "ab" * 32, FOUND) != document("localhost/x:1", "cd" * 32, FOUND)
    assert {part["purl"] for part in json.loads(text)["components"]} >= {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10",
        "pkg:apk/alpine/musl@1.2.5-r0",
        "pkg:pypi/aiorpc-x@0.23",
    }
    assert packages_of(text) == FOUND
    assert packages_of(document("x", "y", ())) == ()


@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=200)))
def test_no_database_breaks_anything(files: dict[str, bytes]) -> None:
    found = packages(files)
    assert packages_of(document("x", "y", found)) == found


@given(st.sets(PACKAGES), st.sets(PACKAGES))
def test_a_difference_leads_from_one_to_the_other(before: set[Package], after: set[Package]) -> None:
    found = compare(before, after)
    changed = set(found.changed)
    assert (before - set(found.removed) - {old for old, _ in changed}) | set(found.added) | {
        new for _, new in changed
    } == after
    assert all((old.ecosystem, old.name) == (new.ecosystem, new.name) for old, new in changed)
    assert compare(before, before) == Difference()


async def test_the_document_before_is_kept_and_compared(tmp_path: Path) -> None:
    store = SbomStore(tmp_path / "apps")
    assert await store.keep("app", "main", "x:1", "1" * 64, FOUND) is None
    assert await store.difference("app", "main") == Difference()
    newer = (*FOUND[:-1], Package(Ecosystem.PYPI, "aiorpc-x", "0.24", "MIT"))
    difference = await store.keep("app", "main", "x:2", "2" * 64, newer)
    assert difference is not None and difference.changed == ((FOUND[-1], newer[-1]),)
    assert await store.difference("app", "main") == difference
    assert await store.keep("app", "main", "x:2", "2" * 64, newer) == Difference()
    assert await store.difference("app", "main") == difference
    await store.forget("app")
    assert list((tmp_path / "apps" / "app").iterdir()) == []


def test_links_pipes_and_what_is_no_database_are_left_alone(tmp_path: Path) -> None:
    import os

    root, secret = tmp_path / "root", tmp_path / "secret"
    secret.write_text("Package: secret\nVersion: 1\n")
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/dpkg").symlink_to(tmp_path)
    (root / "lib/apk/db").mkdir(parents=True)
    (root / "lib/apk/db/installed").symlink_to(secret)
    folder = root / "node_modules/good"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "good", "version": "1"}')
    (folder / "test").mkdir()
    (folder / "test/package.json").write_text('{"name": "deep", "version": "1"}')
    os.mkfifo(root / "METADATA")
    (root / "x.dist-info").mkdir()
    os.mkfifo(root / "x.dist-info/METADATA")
    assert set(_collect(str(root))) == {"node_modules/good/package.json"}


def test_an_image_of_too_deep_folders_and_too_large_files_is_read_to_its_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text("Package: x\nVersion: 1\n")
    with (root / "var/lib/dpkg/large").open("wb") as file:
        file.truncate(1 << 40)
    (root / "var/lib/dpkg/status.d").mkdir()
    with (root / "var/lib/dpkg/status.d/large").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.chdir(root)
    for _ in range(1500):  # more than one path may name, and more than Python or the system walks
        os.mkdir("d")
        os.chdir("d")
    try:
        assert set(_collect(str(root))) == {"var/lib/dpkg/status", INCOMPLETE}
    finally:
        os.chdir(tmp_path)
        subprocess.run(["rm", "-rf", str(root)], check=True)  # Python cannot, before 3.13


@pytest.mark.parametrize(("bound", "value"), [("_MOST_FILES", 2), ("_LARGEST_FILE", 10), ("_LARGEST_SUM", 10)])
def test_what_is_left_out_of_a_large_image_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("Package: x\nVersion: 1\n")
    for number in range(3):
        (tmp_path / f"var/lib/{number}").touch()
    assert INCOMPLETE not in _collect(str(tmp_path))
    monkeypatch.setattr(reader, bound, value)
    assert INCOMPLETE in _collect(str(tmp_path))
    assert packages({INCOMPLETE: b""}) == ()
    found = json.loads(document("x:1", "1" * 64, (), complete=False))
    assert found["compositions"] == [{"aggregate": "incomplete", "assemblies": ["1" * 64]}]
    assert "compositions" not in json.loads(document("x:1", "1" * 64, ()))
