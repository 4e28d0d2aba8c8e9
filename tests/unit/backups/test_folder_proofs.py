"""Sealed copies in the folder of a target: none that proves money is deleted, whatever else is there."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archipelago.backups.folder_proofs import FolderProofs
from archipelago.container.data.stream_copies import MOST, StreamCopy, next_copy
from archipelago.errors import ErrorCode, NodeError
from support.paper_sealer import Paper


def numbered(number: int, content: bytes) -> StreamCopy:
    return StreamCopy(number, len(content), hashlib.sha256(content).hexdigest())


def contents(proofs: FolderProofs) -> list[bytes]:
    return [proofs.read(each) for each in proofs.files("lnd", "proof")]


@pytest.fixture
def proofs(tmp_path: Path) -> FolderProofs:
    (tmp_path / "config").touch()
    return FolderProofs(tmp_path, Paper())


def test_a_folder_gets_sealed_copies_only_where_the_repository_is(tmp_path: Path) -> None:
    proofs, copy = FolderProofs(tmp_path, Paper()), next_copy((), b"content")
    assert copy is not None and proofs.volumes("lnd") == ()
    with pytest.raises(NodeError) as refused:
        proofs.write("lnd", "proof", "1", b"content", copy)
    assert refused.value.code is ErrorCode.DATA_MISSING and not list(tmp_path.iterdir())
    (tmp_path / "config").touch()
    for _ in range(2):
        proofs.write("lnd", "proof", "1", b"content", copy)
    (file,) = proofs.files("lnd", "proof")
    assert file.copy == copy and proofs.volumes("lnd") == ("proof",)
    assert b"content" not in file.path.read_bytes() and file.path.stat().st_mode & 0o77 == 0


def test_an_app_that_is_installed_again_deletes_neither_its_copy_nor_those_of_the_wallet_before(
    proofs: FolderProofs,
) -> None:
    for number in range(1, MOST + 6):
        proofs.write("lnd", "proof", "first", content := b"old %d" % number, numbered(number, content))
    before = contents(proofs)
    assert len(before) == MOST
    for number in range(1, MOST + 6):
        proofs.write("lnd", "proof", "second", content := b"new %d" % number, numbered(number, content))
        assert contents(proofs)[-1] == content, "it is there, and is the newest"
        assert contents(proofs)[: len(before)] == before


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 9), st.binary(min_size=1, max_size=2)), max_size=60)
)
def test_what_was_written_last_is_always_there(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, int, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("target")
    (folder / "config").touch()
    proofs = FolderProofs(folder, Paper())
    for installation, number, content in written:
        others = {each.path for each in proofs.files("lnd", "proof") if not each.is_of(installation)}
        proofs.write("lnd", "proof", installation, content, numbered(number, content))
        assert any(each.is_of(installation) and proofs.read(each) == content for each in proofs.files("lnd", "proof"))
        assert others <= {each.path for each in proofs.files("lnd", "proof")}


@pytest.mark.parametrize("damage", [b"", b"\xff", b"not base64", Paper().seal("YWJj")])
def test_a_damaged_copy_is_written_again(proofs: FolderProofs, damage: bytes) -> None:
    copy = numbered(1, b"content")
    proofs.write("lnd", "proof", "1", b"content", copy)
    (file,) = proofs.files("lnd", "proof")
    file.path.write_bytes(damage)
    with pytest.raises(NodeError, match="is not what was written"):
        proofs.read(file)
    proofs.write("lnd", "proof", "1", b"content", copy)
    assert contents(proofs) == [b"content"]


class BadDisk(Paper):
    """Loses what it seals."""

    def seal(self, text: str) -> bytes:
        return super().seal("YWJj")


def test_a_copy_that_cannot_be_read_back_is_not_left_there(proofs: FolderProofs) -> None:
    with pytest.raises(NodeError, match="is not what was written"):
        FolderProofs(proofs.root, BadDisk()).write("lnd", "proof", "1", b"content", numbered(1, b"content"))
    assert proofs.files("lnd", "proof") == ()
    with pytest.raises(NodeError, match="is not what was written"):
        proofs.write("lnd", "proof", "1", b"damaged", numbered(1, b"content"))
    assert proofs.files("lnd", "proof") == (), "what is damaged here is not copied"
