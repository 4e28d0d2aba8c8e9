"""The records that containers/storage keeps of its images, read past Podman, which does not list damaged ones."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image as it is written down, whether or not it can be used."""

    id: str
    names: tuple[str, ...]
    layer: str = ""
    """ID of its uppermost layer; empty for a list of images, and for an image that holds no file."""


def read_image_records(graph_root: Path) -> tuple[ImageRecord, ...]:
    """Return the records of all images; none where no image was ever stored.

    The format is that of `images.go` in github.com/containers/storage. Raises `OSError`, and `ValueError` where it is
    another one.
    """
    try:
        text = (graph_root / "overlay-images" / "images.json").read_text()
    except FileNotFoundError:
        return ()
    try:
        return tuple(_record(each) for each in json.loads(text) or ())
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"{graph_root}/overlay-images/images.json: not the records of images: {error}") from error


def _record(each: dict[str, Any]) -> ImageRecord:
    return ImageRecord(each["id"], tuple(each.get("names") or ()), each.get("layer") or "")
