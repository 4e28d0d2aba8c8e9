"""Go modules from a proxy: only what has the hash that go.sum says, and each of them once."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.go_modules.fetcher import GoModuleFetcher
from archipelago.container.images.go_modules.hashes import BadModule, go_digest
from archipelago.container.images.refusal import PackagesRefused
from support.file_server import file_server

MOD = b"module github.com/davecgh/go-spew\n"
MOD_HASH = "J7Y8YcW2NihsgmVo/mv3lAwl/skON4iLHjSsI+c5H38="
"""As every go.sum has it that names github.com/davecgh/go-spew v1.1.1."""
FILES = {"go.mod": MOD, "Spew.go": b"package spew\n"}


def module_zip(path: Path, files: Mapping[str, bytes]) -> bytes:
    """Return the zip of a module."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"github.com/davecgh/go-spew@v1.1.1/{name}", content)
    return path.read_bytes()


def line(path: Path, kind: str) -> str:
    """Return the line of go.sum for a file."""
    return f"github.com/davecgh/go-spew v1.1.1{kind} h1:{base64.b64encode(bytes.fromhex(go_digest(path))).decode()}\n"


def test_a_go_mod_has_the_hash_that_go_computes(tmp_path: Path) -> None:
    path = tmp_path / "v1.1.1.mod"
    path.write_bytes(MOD)
    assert go_digest(path) == base64.b64decode(MOD_HASH).hex()


def test_the_hash_of_a_zip_is_over_its_sorted_files_whatever_its_compression(tmp_path: Path) -> None:
    module_zip(tmp_path / "one.zip", FILES)
    module_zip(tmp_path / "other.zip", dict(reversed(FILES.items())))
    listed = "".join(
        f"{hashlib.sha256(FILES[name]).hexdigest()}  github.com/davecgh/go-spew@v1.1.1/{name}\n"
        for name in sorted(FILES)
    )
    assert go_digest(tmp_path / "one.zip") == go_digest(tmp_path / "other.zip")
    assert go_digest(tmp_path / "one.zip") == hashlib.sha256(listed.encode()).hexdigest()
    (tmp_path / "none.zip").write_bytes(b"PK")
    with pytest.raises(BadModule):
        go_digest(tmp_path / "none.zip")


async def test_what_was_fetched_is_where_go_looks_for_it_and_is_not_asked_for_again(tmp_path: Path) -> None:
    content = module_zip(tmp_path / "v.zip", FILES)
    (tmp_path / "v.mod").write_bytes(MOD)
    sums = line(tmp_path / "v.zip", "") + line(tmp_path / "v.mod", "/go.mod")
    base = "github.com/davecgh/go-spew/@v/v1.1.1"
    async with file_server({f"{base}.zip": content, f"{base}.mod": MOD}) as (url, asked):
        for attempt in ("first", "second"):
            fetcher = GoModuleFetcher(url, FileCache(tmp_path / "cache", digest=go_digest))
            await fetcher.fetch(sums.encode(), tmp_path / attempt)
            assert (tmp_path / attempt / f"{base}.zip").read_bytes() == content
            assert (tmp_path / attempt / f"{base}.mod").read_bytes() == MOD
        assert sorted(asked) == [f"/{base}.mod", f"/{base}.zip"]
        # What somebody changed on the disk is fetched again.
        for kept in (tmp_path / "cache").iterdir():
            kept.write_bytes(b"changed")
        fetcher = GoModuleFetcher(url, FileCache(tmp_path / "cache", digest=go_digest))
        await fetcher.fetch(sums.encode(), tmp_path / "third")
        assert (tmp_path / "third" / f"{base}.zip").read_bytes() == content and len(asked) == 4


async def test_another_content_is_refused_and_not_kept(tmp_path: Path) -> None:
    module_zip(tmp_path / "v.zip", FILES)
    other = module_zip(tmp_path / "other.zip", FILES | {"evil.go": b"package spew\n"})
    path = "github.com/davecgh/go-spew/@v/v1.1.1.zip"
    async with file_server({path: other}) as (url, _):
        fetcher = GoModuleFetcher(url, FileCache(tmp_path / "cache", digest=go_digest))
        with pytest.raises(PackagesRefused, match=r"another hash than go\.sum says"):
            await fetcher.fetch(line(tmp_path / "v.zip", "").encode(), tmp_path / "modules")
    assert not list((tmp_path / "cache").glob("*"))


@pytest.mark.parametrize(("sums", "reason"), [(f"a.test/b v1.0.0 h1:{MOD_HASH}", "status 404"), ("nonsense", "line 1")])
async def test_what_cannot_be_had_is_said(tmp_path: Path, sums: str, reason: str) -> None:
    async with file_server({}) as (url, _):
        fetcher = GoModuleFetcher(url, FileCache(tmp_path / "cache", digest=go_digest))
        with pytest.raises(PackagesRefused, match=reason):
            await fetcher.fetch(sums.encode(), tmp_path / "modules")
