"""The node's key: plain, wrapped by a passphrase, and as 24 words."""

import json
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from archipelago.errors import ErrorCode, NodeError
from archipelago.security.keys import node_key
from archipelago.security.keys.node_key import KeyState, NodeKey, WrapCost
from support.examples import examples

PASSPHRASE, OTHER = "correct horse battery", "staple of another colour"
CHEAP = WrapCost(time=1, memory=64, threads=1)


def key_in(folder: Path, opens: Callable[[pyrage.x25519.Identity], bool | None] = lambda _: None) -> NodeKey:
    """Return the key as a start of the node finds it."""
    return NodeKey(folder / "node.key", opens, CHEAP)


def refusal(work: Callable[[], object]) -> ErrorCode:
    with pytest.raises(NodeError) as caught:
        work()
    assert PASSPHRASE not in str(caught.value) and OTHER not in str(caught.value)
    return caught.value.code


def test_a_wrapped_key_is_the_same_and_needs_its_passphrase(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    identity = str(key.identity())
    key.protect(PASSPHRASE, None)
    assert key.state() is KeyState.UNLOCKED and str(key.identity()) == identity
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and identity.lower() not in file.read_text().lower()
    key = key_in(tmp_path)
    assert key.state() is KeyState.LOCKED and refusal(key.identity) is ErrorCode.LOCKED
    assert refusal(lambda: key.unlock(OTHER)) is ErrorCode.WRONG_CREDENTIALS
    assert key.state() is KeyState.LOCKED
    key.unlock(PASSPHRASE)
    assert str(key.identity()) == identity


def test_changing_the_passphrase_and_giving_it_up_need_the_current_one(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    assert refusal(lambda: key.protect("short", None)) is ErrorCode.INVALID_VALUE
    assert key.state() is KeyState.PLAIN
    key.protect(PASSPHRASE, None)
    for current in (None, OTHER):
        assert refusal(lambda given=current: key.protect(OTHER, given)) is ErrorCode.WRONG_CREDENTIALS  # type: ignore[misc]
        assert refusal(lambda given=current: key.phrase(given)) is ErrorCode.WRONG_CREDENTIALS  # type: ignore[misc]
    key.protect(OTHER, PASSPHRASE)
    assert refusal(lambda: key.unprotect(PASSPHRASE)) is ErrorCode.WRONG_CREDENTIALS
    identity = str(key.identity())
    key.unprotect(OTHER)
    assert [path.name for path in tmp_path.iterdir()] == ["node.key"]
    assert str(key_in(tmp_path).identity()) == identity


def test_the_words_bring_the_key_back(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    identity = key.identity()
    words = key.phrase(None)
    assert len(words.split()) == 24
    sealed = pyrage.encrypt(b"x", [identity.to_public()])

    def opens(found: pyrage.x25519.Identity) -> bool:
        try:
            return bool(pyrage.decrypt(sealed, [found]))
        except pyrage.DecryptError:
            return False

    assert refusal(lambda: key.restore(words)) is ErrorCode.FORBIDDEN
    used = key_in(tmp_path, opens)
    assert refusal(lambda: used.restore(words, replace_unused=True)) is ErrorCode.FORBIDDEN
    (tmp_path / "node.key").unlink()
    lost = key_in(tmp_path, opens)
    assert lost.state() is KeyState.MISSING and refusal(lost.identity) is ErrorCode.LOCKED
    others = Mnemonic("english").generate(256)
    assert refusal(lambda: lost.restore(others)) is ErrorCode.WRONG_CREDENTIALS
    swapped = " ".join(words.split()[::-1])
    for wrong in ("", "abandon " * 24, words.replace(words.split()[3], "bitcoins"), swapped, words + " art"):
        assert refusal(lambda given=wrong: lost.restore(given)) in (  # type: ignore[misc]
            ErrorCode.INVALID_VALUE,
            ErrorCode.WRONG_CREDENTIALS,
        )
    assert list(tmp_path.iterdir()) == []
    lost.restore(f"  {words.upper()}\n")
    assert str(key_in(tmp_path, opens).identity()) == str(identity)


@pytest.mark.parametrize("cut", ["write", "unlink"])
def test_a_crash_while_it_is_wrapped_loses_nothing(tmp_path: Path, cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_in(tmp_path)
    identity = str(key.identity())

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if cut == "write":
            patch.setattr(node_key, "write_atomically", crash)
        else:
            patch.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            key.protect(PASSPHRASE, None)
    found = key_in(tmp_path)
    assert found.state() is KeyState.PLAIN and str(found.identity()) == identity
    found.protect(OTHER, None)
    assert found.state() is KeyState.UNLOCKED


@pytest.mark.parametrize("change", [{"memory": 1 << 40}, {"time": 10**9}, {"kdf": "none"}, {"salt": 7}, {"version": 2}])
def test_what_a_stranger_wrote_takes_neither_memory_nor_time(tmp_path: Path, change: dict[str, object]) -> None:
    key = key_in(tmp_path)
    key.protect(PASSPHRASE, None)
    file = tmp_path / "node.key.wrapped"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert refusal(lambda: key_in(tmp_path).unlock(PASSPHRASE)) is ErrorCode.INTERNAL


@settings(max_examples=examples(40))
@given(st.binary(max_size=300))
def test_no_bytes_unlock_anything(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    folder = tmp_path_factory.mktemp("key")
    (folder / "node.key.wrapped").touch(mode=0o600)
    (folder / "node.key.wrapped").write_bytes(text)
    assert refusal(lambda: key_in(folder).unlock(PASSPHRASE)) is ErrorCode.INTERNAL


DECOMPOSED = unicodedata.normalize("NFD", "größte Äpfel überall")
COMPOSED = unicodedata.normalize("NFC", DECOMPOSED)


@pytest.mark.parametrize(
    "typed", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPOSED, COMPOSED.replace(" ", "\u00a0"))]
)
def test_a_passphrase_is_the_same_on_every_keyboard(tmp_path: Path, typed: tuple[str, str]) -> None:
    key_in(tmp_path).protect(typed[0], None)
    again = key_in(tmp_path)
    again.unlock(typed[1])
    assert again.state() is KeyState.UNLOCKED
    assert refusal(lambda: key_in(tmp_path).unlock(COMPOSED.upper())) is ErrorCode.WRONG_CREDENTIALS


def test_a_key_that_an_earlier_version_wrapped_as_it_was_typed_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_key, "prepared", str)
    key_in(tmp_path).protect(DECOMPOSED, None)
    monkeypatch.undo()
    key = key_in(tmp_path)
    key.unlock(DECOMPOSED)
    key.unprotect(DECOMPOSED)


def test_what_is_derived_comes_back_with_the_words_and_differs_by_purpose(tmp_path: Path) -> None:
    first, second = NodeKey(tmp_path / "a/node.key", lambda _: None), NodeKey(tmp_path / "b/node.key", lambda _: None)
    derived = first.derive("one")
    second.restore(first.phrase(None))
    assert second.derive("one") == derived != second.derive("other")
    assert len(bytes.fromhex(derived)) == 32


def test_a_new_machine_takes_the_key_of_another_one_while_nothing_is_kept_under_its_own(tmp_path: Path) -> None:
    old, new = NodeKey(tmp_path / "a/node.key", lambda _: None), NodeKey(tmp_path / "b/node.key", lambda _: None)
    assert str(new.identity()) != str(old.identity())
    new.restore(old.phrase(None), replace_unused=True)
    assert str(NodeKey(tmp_path / "b/node.key", lambda _: None).identity()) == str(old.identity())
