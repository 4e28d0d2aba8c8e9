"""What a daemon of tests has built is taken by the next one, as long as it is that very image."""

from pathlib import Path

import pytest

from archipelago.security.image_verifier.built import BuiltImages
from support.kept_images import share_signatures

OURS = "localhost/archipelago/tor-main:1"


def test_an_image_of_another_node_is_taken_where_it_was_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (BuiltImages(tmp_path / name, tmp_path / f"{name}.key") for name in ("first", "second"))
    first.sign(OURS, "a")
    assert not second.is_signed(OURS, "a"), "each node has a key of its own"
    for name in ("sign", "is_signed"):
        monkeypatch.setattr(BuiltImages, name, getattr(BuiltImages, name))
    share_signatures(tmp_path / "notes", ("localhost/archipelago/tor-",))
    assert not second.is_signed(OURS, "a"), "nothing was noted"
    other = "localhost/archipelago/app-main:1"
    for reference in (OURS, other):
        first.sign(reference, "a")
    assert second.is_signed(OURS, "a") and not second.is_signed(OURS, "b")
    assert first.is_signed(other, "a") and not second.is_signed(other, "a")
