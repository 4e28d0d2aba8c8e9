"""What a build made is taken as a stranger's: one wheel for each source distribution, of its name, for this Python."""

import io
import tarfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from archipelago.container.images.python_packages.choice import Chosen, FileKind, IndexFile
from archipelago.container.images.python_packages.fetcher import Fetched
from archipelago.container.images.python_packages.source_builder import read_wheels
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.requirements import Requirement

TARGET = PythonTarget("bookworm", Architecture.AMD64)


def source(name: str) -> Fetched:
    """Return a source distribution of version 1.0."""
    requirement = Requirement(canonicalize_name(name), Version("1.0"), frozenset({"0" * 64}))
    file = IndexFile(f"{name}-1.0.tar.gz", "https://files.example/", "0" * 64)
    return Fetched(Chosen(requirement, file, FileKind.SDIST), Path("unused"))


SOURCES = (source("foo"), source("bar"))
FOO, BAR = "0/foo-1.0-py3-none-any.whl", "1/bar-1.0-cp311-cp311-linux_x86_64.whl"


def made(tmp_path: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> Path:
    """Return a tar file with these files; the last is of a kind."""
    path = tmp_path / "taken.tar"
    with tarfile.open(path, "w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            content = name.encode()
            if name == names[-1] and kind != tarfile.REGTYPE:
                member.type, member.linkname, content = kind, "/etc/passwd", b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_each_source_has_its_wheel_in_the_order_of_the_sources(tmp_path: Path) -> None:
    found = read_wheels(made(tmp_path, BAR, FOO), SOURCES, TARGET, tmp_path)
    assert [(wheel.name, wheel.filename, wheel.path.read_text()) for wheel in found] == [
        ("foo", FOO[2:], FOO),
        ("bar", BAR[2:], BAR),
    ]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((FOO,), "the build of bar==1.0 made no wheel"),
        ((FOO, BAR, "1/bar-1.0-py3-none-any.whl"), "not its one wheel"),
        ((FOO, "1/foo-1.0-py3-none-any.whl"), "not its one wheel"),
        ((FOO, "1/bar-1.1-py3-none-any.whl"), "not its one wheel"),
        ((FOO, "1/bar-1.0-cp312-cp312-linux_x86_64.whl"), "not its one wheel"),
        ((FOO, "1/bar-1.0-py3-none-win_amd64.whl"), "not its one wheel"),
        ((FOO, "1/bar-1.0.tar.gz"), "which is no wheel"),
        ((FOO, "1/below/bar-1.0-py3-none-any.whl"), "which is no wheel"),
        ((FOO, "1/../../bar-1.0-py3-none-any.whl"), "which is no wheel"),
        ((FOO, "../1/bar-1.0-py3-none-any.whl"), "which is no wheel"),
        ((FOO, "/1/bar-1.0-py3-none-any.whl"), "which is no wheel"),
        ((FOO, "1/bar-1.0-\n-py3-none-any.whl"), "which is no wheel"),
        ((FOO, "2/bar-1.0-py3-none-any.whl"), "nobody asked for"),
        ((FOO, "01/bar-1.0-py3-none-any.whl"), "nobody asked for"),
        ((FOO, "²/bar-1.0-py3-none-any.whl"), "nobody asked for"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, names: tuple[str, ...], reason: str) -> None:
    with pytest.raises(PackagesRefused, match=reason):
        read_wheels(made(tmp_path, *names), SOURCES, TARGET, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(PackagesRefused, match="which is no wheel"):
        read_wheels(made(tmp_path, FOO, BAR, kind=kind), SOURCES, TARGET, tmp_path)


def test_what_is_no_tar_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken.tar").write_bytes(b"x" * 10_000)
    with pytest.raises(PackagesRefused, match="cannot be read"):
        read_wheels(tmp_path / "taken.tar", SOURCES, TARGET, tmp_path)
