"""The node knows what it built, and is not told otherwise."""

import json
import shutil
from pathlib import Path

import pytest

from archipelago.security.image_verifier.built import BuiltImages

NAME, IMAGE = "localhost/archipelago/knots-main:1", "a" * 64


@pytest.fixture
def built(tmp_path: Path) -> BuiltImages:
    """What a node has that built one image."""
    made = BuiltImages(tmp_path / "images", tmp_path / "identity.key")
    made.sign(NAME, IMAGE)
    return made


def test_what_was_built_here_is_known_by_name_and_content(built: BuiltImages, tmp_path: Path) -> None:
    assert built.is_signed(NAME, IMAGE)
    assert BuiltImages(tmp_path / "images", tmp_path / "identity.key").is_signed(NAME, IMAGE)
    assert not built.is_signed(NAME, "b" * 64) and not built.is_signed(NAME + "2", IMAGE)
    built.sign(NAME, "b" * 64)
    assert built.is_signed(NAME, "b" * 64) and not built.is_signed(NAME, IMAGE)
    built.forget(NAME)
    built.forget(NAME)
    assert not built.is_signed(NAME, "b" * 64)


def test_the_signature_of_another_node_name_or_image_counts_for_nothing(built: BuiltImages, tmp_path: Path) -> None:
    other = BuiltImages(tmp_path / "others", tmp_path / "other.key")
    other.sign(NAME, "c" * 64)
    (file,) = (tmp_path / "images").iterdir()
    own = file.read_text()
    (stranger,) = (tmp_path / "others").iterdir()
    shutil.copy(stranger, file)
    assert not built.is_signed(NAME, "c" * 64)
    for text in ("", "{}", "[]", "null", '{"signature": 1}', '{"signature": "x"}', own[:-5], "\0" * 9000):
        file.write_text(text)
        assert not built.is_signed(NAME, IMAGE)
    file.write_text(json.dumps(json.loads(own) | {"image": "c" * 64}))
    assert built.is_signed(NAME, IMAGE) and not built.is_signed(NAME, "c" * 64)
