"""Copies of a streamed file: one for each change, none in the place of another, read back; here and in a folder."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.backups.folder_proofs import FolderProofs
from archipelago.backups.lease_tags import claim_tags, spent_notes
from archipelago.backups.restic.says import ResticSnapshot
from archipelago.container.data.stream_copies import (
    MOST,
    StreamCopy,
    bring_copies,
    copies_in,
    copy_named,
    next_copy,
    require_whole,
    spent_copies,
    store_copy,
)
from archipelago.errors import ErrorCode, NodeError
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
    bring_copies(elsewhere, {each: (folder / each.name).read_bytes() for each in (first, cut)})
    assert copies_in(elsewhere) == (first, cut)
    with pytest.raises(NodeError, match="is not what was written"):
        bring_copies(tmp_path / "damaged", {first: b"something else"})
    (folder / first.name).write_bytes(b"a whole bakcup")
    with pytest.raises(NodeError, match="is not what was written"):
        require_whole(folder / first.name, first)


class Paper:
    """Seals by turning a text round."""

    def seal(self, text: str) -> bytes:
        return text[::-1].encode()

    def unseal(self, sealed: bytes) -> str:
        return sealed.decode()[::-1]


def test_a_folder_gets_sealed_copies_only_where_the_repository_is(tmp_path: Path) -> None:
    proofs, copy = FolderProofs(tmp_path, Paper()), next_copy((), b"content")
    assert copy is not None and proofs.volumes("lnd") == ()
    with pytest.raises(NodeError) as refused:
        proofs.write("lnd", "proof", copy, b"content")
    assert refused.value.code is ErrorCode.DATA_MISSING and not list(tmp_path.iterdir())
    (tmp_path / "config").touch()
    for _ in range(2):
        proofs.write("lnd", "proof", copy, b"content")
    assert list(proofs.copies("lnd", "proof")) == [copy] and proofs.volumes("lnd") == ("proof",)
    (path,) = (tmp_path / "proofs/lnd/proof").iterdir()
    assert b"content" not in path.read_bytes() and path.stat().st_mode & 0o77 == 0
    path.write_bytes(Paper().seal("YWJj"))
    with pytest.raises(NodeError, match="is not what was written"):
        proofs.write("lnd", "proof", copy, b"content")


def test_notes_that_others_add_push_out_none_that_is_needed() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    made = [ResticSnapshot(f"c{n}", now, claim_tags({"x": Claim("s", n, "n")})) for n in range(1, 71)]
    assert set(spent_notes(made, now)) == {f"c{n}" for n in range(1, 21)}, "the counter decides, not the date"
    future = [ResticSnapshot(f"f{n}", now + timedelta(days=900), {}) for n in range(200)]
    real = [ResticSnapshot("new", now - timedelta(days=300), {}), ResticSnapshot("old", now - timedelta(days=400), {})]
    assert spent_notes([*future, *real], now) == ("old",)
    assert spent_notes(real, now) == ()
