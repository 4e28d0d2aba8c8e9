"""Downloads that are kept: by their hash, checked at each use, and not without end."""

import hashlib
import os
from pathlib import Path

from archipelago.container.images.file_cache import FileCache


def kept(cache: FileCache, tmp_path: Path, content: bytes) -> str:
    source = tmp_path / "source"
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    cache.put(digest, source)
    return digest


def test_what_was_put_comes_back_as_a_copy(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache")
    digest = kept(cache, tmp_path, b"content")
    assert cache.take(digest, tmp_path / "copy")
    (tmp_path / "copy").write_bytes(b"changed by a build")
    assert cache.take(digest, tmp_path / "again") and (tmp_path / "again").read_bytes() == b"content"
    assert not cache.take("0" * 64, tmp_path / "none") and not (tmp_path / "none").exists()
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_what_was_changed_is_not_given_and_goes(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache")
    digest = kept(cache, tmp_path, b"content")
    (tmp_path / "cache" / digest).write_bytes(b"kontent")
    assert not cache.take(digest, tmp_path / "copy")
    assert not (tmp_path / "copy").exists() and not (tmp_path / "cache" / digest).exists()


def test_what_was_not_used_for_the_longest_time_goes_and_so_does_what_a_crash_left(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", limit=25)
    first, second, third = (kept(cache, tmp_path, letter * 10) for letter in (b"a", b"b", b"c"))
    for age, name in enumerate((third, second, first)):
        os.utime(tmp_path / "cache" / name, (1000 - age, 1000 - age))
    assert cache.take(first, tmp_path / "used")
    (tmp_path / "cache" / "0123.part").write_bytes(b"x")
    cache.trim()
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {first, third}


def test_what_was_used_by_a_clock_that_was_ahead_does_not_push_out_all_that_comes_later(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", limit=10)
    names = [kept(cache, tmp_path, content) for content in (b"12345", b"abcde", b"hello")]
    for name in names[:2]:
        os.utime(tmp_path / "cache" / name, (4e9, 4e9))
    cache.trim()
    assert names[2] in {path.name for path in (tmp_path / "cache").iterdir()}


def test_an_empty_cache_is_trimmed(tmp_path: Path) -> None:
    FileCache(tmp_path / "none").trim()
    assert not (tmp_path / "none").exists()
