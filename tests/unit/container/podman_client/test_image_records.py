"""The records of images past Podman."""

from pathlib import Path

import pytest

from archipelago.container.podman_client.image_records import ImageRecord, read_image_records


def _write(graph_root: Path, text: str) -> None:
    (graph_root / "overlay-images").mkdir()
    (graph_root / "overlay-images" / "images.json").write_text(text)


def test_images_with_and_without_a_name_are_read(tmp_path: Path) -> None:
    _write(tmp_path, '[{"id": "1", "names": ["a:1", "b:2"], "layer": "x"}, {"id": "2"}, {"id": "3", "names": null}]')
    assert read_image_records(tmp_path) == (
        ImageRecord("1", ("a:1", "b:2"), "x"),
        ImageRecord("2", ()),
        ImageRecord("3", ()),
    )


def test_a_store_without_an_image_has_no_records(tmp_path: Path) -> None:
    assert read_image_records(tmp_path) == ()
    _write(tmp_path, "null")
    assert read_image_records(tmp_path) == ()


@pytest.mark.parametrize("text", ["", "{", "3", "[3]", '[{"names": []}]', '{"id": "1"}'])
def test_other_content_is_refused_with_the_place(tmp_path: Path, text: str) -> None:
    _write(tmp_path, text)
    with pytest.raises(ValueError, match=r"overlay-images/images\.json"):
        read_image_records(tmp_path)
