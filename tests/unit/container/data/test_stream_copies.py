"""Copies of a streamed file: one for each change, none in the place of another, read back."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.copy_tags import copy_tags
from archipelago.backups.lease_tags import claim_tags, spent_notes
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.container.data import stream_copies
from archipelago.container.data.stream_copies import (
    MOST,
    StreamCopy,
    bring_copy,
    copies_in,
    copy_named,
    next_copy,
    require_whole,
    spent_copies,
    store_copy,
)
from archipelago.errors import NodeError
from archipelago.storage.records.leases import Claim

CONTENTS = st.lists(st.binary(max_size=6), max_size=60)


@given(CONTENTS)
def test_a_change_is_a_copy_and_neither_the_newest_nor_the_longest_goes(contents: list[bytes]) -> None:
    copies: tuple[StreamCopy, ...] = ()
    for content in contents:
        made = next_copy(copies, content)
        if made is None:
            assert not content or hashlib.sha256(content).hexdigest() in {each.digest for each in copies}
            continue
        assert copy_named(made.name) == made
        copies = (*copies, made)
        spent = spent_copies(copies)
        copies = tuple(each for each in copies if each not in spent)
        assert copies[-1] == made and len(copies) <= MOST + 1
    longest = max((len(content) for content in contents), default=0)
    assert max((each.size for each in copies), default=0) == longest


def test_what_was_copied_outlives_a_file_that_is_empty_or_cut_off(tmp_path: Path) -> None:
    folder = tmp_path / "streams" / "proof"
    assert store_copy(folder, b"") is None
    first = store_copy(folder, b"a whole backup")
    for content in (b"", b"a whole backup"):
        assert store_copy(folder, content) == first
    cut = store_copy(folder, b"a who")
    assert first is not None and cut is not None and copies_in(folder) == (first, cut)
    assert (folder / first.name).read_bytes() == b"a whole backup"
    (folder / "leftover.new").touch()
    assert copies_in(folder) == (first, cut)
    assert store_copy(folder, b"a whole backup") == cut, "what a restore puts back is not the newest"
    elsewhere = tmp_path / "elsewhere"
    for each in (first, cut):
        bring_copy(elsewhere, each, (folder / each.name).read_bytes())
    assert copies_in(elsewhere) == (first, cut)
    with pytest.raises(NodeError, match="is not what was written"):
        bring_copy(tmp_path / "damaged", first, b"something else")
    (folder / first.name).write_bytes(b"a whole bakcup")
    with pytest.raises(NodeError, match="is not what was written"):
        require_whole(folder / first.name, first)


def test_a_damaged_copy_does_not_count_and_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "proof"

    def write_damaged(path: Path, content: bytes) -> None:
        path.write_bytes(bytes(len(content)))

    with monkeypatch.context() as bad_disk:
        bad_disk.setattr(stream_copies, "write_atomically", write_damaged)
        for _ in range(2):
            with pytest.raises(NodeError, match="is not what was written"):
                store_copy(folder, b"content")
    assert copies_in(folder) == ()
    made = store_copy(folder, b"content")
    assert made is not None
    for again in (lambda: store_copy(folder, b"content"), lambda: bring_copy(folder, made, b"content")):
        (folder / made.name).write_bytes(b"damaged")
        again()
        assert (folder / made.name).read_bytes() == b"content"


def test_numbers_of_more_digits_than_usual_are_the_newest(tmp_path: Path) -> None:
    high = StreamCopy(9_999_999_999, 1, hashlib.sha256(b"a").hexdigest())
    bring_copy(tmp_path, high, b"a")
    made = store_copy(tmp_path, b"b")
    assert made is not None and made.number == 10_000_000_000 and copies_in(tmp_path) == (high, made)


def test_notes_that_others_add_push_out_none_that_is_needed() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    made = [ResticSnapshot(f"c{n}", now, claim_tags({"x": Claim("s", n, "n")})) for n in range(1, 71)]
    assert set(spent_notes(made, now)) == {f"c{n}" for n in range(1, 21)}, "the counter decides, not the date"
    future = [ResticSnapshot(f"f{n}", now + timedelta(days=900), {}) for n in range(200)]
    real = [ResticSnapshot("new", now - timedelta(days=300), {}), ResticSnapshot("old", now - timedelta(days=400), {})]
    assert spent_notes([*future, *real], now) == ("old",)
    assert spent_notes(real, now) == ()
    kept = ResticSnapshot("kept", now - timedelta(days=400), copy_tags("1", {"proof": 7}))
    assert spent_notes([*future, *real, kept], now) == ("old",), "the newest copies stay, however old they are"
