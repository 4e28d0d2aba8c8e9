"""Damage to Podman's images, as a power cut or a kill of Podman leaves it; nothing may run Podman meanwhile."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.harness import podman


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image where containers/storage has it."""

    graph: Path
    id: str
    layer: str

    @property
    def records(self) -> Path:
        """The list of all layers."""
        return self.graph / "overlay-layers" / "layers.json"

    @property
    def files(self) -> Path:
        """The folder of its last layer."""
        return self.graph / "overlay" / self.layer


def stored_image(name: str) -> StoredImage:
    """Find an image by its name."""
    graph = Path(podman("info", "--format", "{{.Store.GraphRoot}}"))
    images = json.loads((graph / "overlay-images" / "images.json").read_text())
    found = next(image for image in images if name in (image.get("names") or ()))
    return StoredImage(graph, found["id"], found["layer"])


def _no_record(image: StoredImage) -> None:
    kept = [layer for layer in json.loads(image.records.read_text()) if layer["id"] != image.layer]
    image.records.write_text(json.dumps(kept))


def _incomplete(image: StoredImage) -> None:
    layers: list[dict[str, Any]] = json.loads(image.records.read_text())
    for layer in layers:
        if layer["id"] == image.layer:
            layer["flags"] = {**(layer.get("flags") or {}), "incomplete": True}
    image.records.write_text(json.dumps(layers))


def _no_layer(image: StoredImage) -> None:
    _as_root("rm", "-rf", str(image.files))


def _no_files(image: StoredImage) -> None:
    _as_root("rm", "-rf", str(image.files / "diff"))


def _empty_link(image: StoredImage) -> None:
    (image.files / "link").write_text("")


def _empty_manifest(image: StoredImage) -> None:
    for path in (image.graph / "overlay-images" / image.id).iterdir():
        path.write_text("")


def _manifest_of_zeros(image: StoredImage) -> None:
    for path in (image.graph / "overlay-images" / image.id).iterdir():
        path.write_bytes(bytes(path.stat().st_size))


def _no_image_folder(image: StoredImage) -> None:
    _as_root("rm", "-rf", str(image.graph / "overlay-images" / image.id))


def cut_removal_off(image: StoredImage) -> None:
    """Leave what a kill in the middle of the removal of an image does: its layer for other user IDs, and none below."""
    listed = image.graph / "overlay-images" / "images.json"
    images: list[dict[str, Any]] = json.loads(listed.read_text())
    (gone,) = (each for each in images if each["id"] == image.id)
    assert gone["mapped-layers"], "a container with user IDs of its own has run from it"
    listed.write_text(json.dumps([each for each in images if each["id"] != image.id]))
    _no_record(image)
    (image.graph / "overlay" / "l" / (image.files / "link").read_text()).unlink()
    _no_layer(image)


def _as_root(*command: str) -> None:
    subprocess.run(["podman", "unshare", *command], check=True, timeout=60)


DAMAGE: Final[Mapping[str, Callable[[StoredImage], None]]] = {
    "no record of the layer": _no_record,
    "layer not complete": _incomplete,
    "no folder of the layer": _no_layer,
    "no files of the layer": _no_files,
    "empty name of the layer": _empty_link,
    "empty manifest": _empty_manifest,
    "manifest of zeros": _manifest_of_zeros,
    "no folder of the image": _no_image_folder,
}
