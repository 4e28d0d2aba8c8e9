"""Tarballs of npm packages: what is unpacked, and what is refused before it does harm."""

import gzip
import io
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.images.npm_packages.tarball import (
    BadTarball,
    TarballLimits,
    unpack_tarball,
    unpacked_bytes,
)
from support.npm_tarballs import member, package_of, tarball_of

LONG = "/".join(["d" * 60] * 5)


def unpacked(folder: Path, content: bytes, limits: TarballLimits | None = None) -> dict[str, bytes]:
    """Unpack a tarball as a build does, and return the files."""
    (folder / "t.tgz").write_bytes(content)
    unpacked_bytes(folder / "t.tgz", limits)
    found = unpack_tarball(folder / "t.tgz", folder / "into", limits)
    files = {str(path.relative_to(folder / "into")): path for path in (folder / "into").rglob("*") if path.is_file()}
    assert found.files == set(files)
    return {name: path.read_bytes() for name, path in files.items()}


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_files_come_without_the_first_folder_and_with_plain_modes(tmp_path: Path, format: int) -> None:
    long = LONG if format != tarfile.USTAR_FORMAT else "lib"
    content = tarball_of(
        [
            (member("package/", tarfile.DIRTYPE, 0o700), b""),
            (member("package/cli.js", mode=0o4711), b"#!"),
            (member(f"package/{long}/é.js", mode=0o600), b"x" * 700),
            (member("other/empty"), b""),
        ],
        format,
    )
    assert unpacked(tmp_path, content) == {"cli.js": b"#!", f"{long}/é.js": b"x" * 700, "empty": b""}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "into").rglob("*")}
    assert (modes["cli.js"], modes["é.js"], modes[long.rpartition("/")[2]]) == (0o755, 0o644, 0o755)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (member("package/../../x"), "leads out"),
        (member("/etc/x"), "leads out"),
        (member("package//x"), "leads out"),
        (member("../x"), "leads out"),
        (member("package/..", tarfile.DIRTYPE), "leads out"),
        (member("package/a\\b"), "not a file's name"),
        (member("package/a\nb"), "not a file's name"),
        (member(f"package/{'n' * 256}"), "not a file's name"),
        (member("x"), "in no folder"),
        (member("package/x", tarfile.SYMTYPE, target="/etc/passwd"), "neither a file nor a folder"),
        (member("package/x", tarfile.LNKTYPE, target="package/y"), "neither a file nor a folder"),
        (member("package/x", tarfile.CHRTYPE), "neither a file nor a folder"),
        (member("package/x", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (member("package/x", tarfile.GNUTYPE_SPARSE), "neither a file nor a folder"),
    ],
)
def test_what_npm_does_not_pack_is_refused(tmp_path: Path, header: tarfile.TarInfo, reason: str) -> None:
    with pytest.raises(BadTarball, match=reason):
        unpacked(tmp_path, tarball_of([(header, b"")]))
    assert not [path for path in tmp_path.rglob("*") if path.name == "x"]


@pytest.mark.parametrize(
    "names", [("p/a", "p/a"), ("p/a", "p/a/b"), ("p/a/b", "p/a"), ("p/a", "q/a"), ("p/a/b/", "p/a/b")]
)
def test_two_files_do_not_stand_in_each_others_way(tmp_path: Path, names: tuple[str, str]) -> None:
    members = [(member(name, tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE), b"") for name in names]
    with pytest.raises(BadTarball, match="twice, or is a file and a folder"):
        unpacked(tmp_path, tarball_of(members))


def test_a_tarball_is_bounded_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = package_of("a", files={"zeros": bytes(4 << 20)})
    assert len(bomb) < 10_000
    with pytest.raises(BadTarball, match="more than 1048576 bytes"):
        unpacked(tmp_path, bomb, TarballLimits(bytes=1 << 20))
    many = tarball_of((member(f"p/{n}"), b"") for n in range(20))
    with pytest.raises(BadTarball, match="more than 10 files"):
        unpacked(tmp_path, many, TarballLimits(entries=10))
    assert not (tmp_path / "into").exists()
    (tmp_path / "t.tgz").write_bytes(many)
    assert unpacked_bytes(tmp_path / "t.tgz") == 20 * 4096


def huge_header(kind: bytes) -> bytes:
    header = member("p/x", kind)
    header.size = 1 << 40
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no gzip", "not compressed"),
        (package_of("a", files={"x": bytes(range(256)) * 40})[:-40], "not compressed|ends early"),
        (gzip.compress(b"x" * 512), "no tar file"),
        (gzip.compress(b"x" * 100), "no tar file"),
        (gzip.compress(gzip.decompress(package_of("a"))[:600]), "ends early"),
        (huge_header(tarfile.XHDTYPE), "too long"),
        (huge_header(tarfile.XGLTYPE), "too long"),
        (huge_header(tarfile.GNUTYPE_LONGNAME), "too long"),
        (huge_header(tarfile.REGTYPE), "more than 536870912 bytes"),
    ],
)
def test_what_is_no_tarball_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BadTarball, match=reason):
        unpacked(tmp_path, content)


@pytest.mark.parametrize("record", [b"path", b"12 path=a\n", b"99 path=package/x\n", b"x path=a\n", b"0 path=a\n"])
def test_an_extended_header_says_what_it_has_to(tmp_path: Path, record: bytes) -> None:
    header = member("x", tarfile.XHDTYPE)
    header.size = len(record)
    blocks = header.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0") + member("package/a").tobuf()
    with pytest.raises(BadTarball, match="extended header"):
        unpacked(tmp_path, gzip.compress(blocks + bytes(1024)))


def test_an_extended_header_gives_a_file_no_other_size(tmp_path: Path) -> None:
    header = member("package/a")
    header.pax_headers = {"size": "5"}
    with pytest.raises(BadTarball, match="two sizes"):
        unpacked(tmp_path, tarball_of([(header, b"abc")]))


_names = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120), max_size=3)
_members = st.dictionaries(_names.map("/".join), st.binary(max_size=1500), max_size=4)


@given(_members, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_what_is_unpacked_is_what_tar_reads(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes], format: int
) -> None:
    folder = tmp_path_factory.mktemp("t")
    content = tarball_of([(member(f"p/{name}"), data) for name, data in members.items()], format)
    try:
        found = unpacked(folder, content)
    except BadTarball:
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {each.name.partition("/")[2]: archive.extractfile(each) for each in archive if each.isreg()}
        assert found == {name: file.read() for name, file in files.items() if file is not None}
