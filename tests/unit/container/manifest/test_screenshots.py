"""Screenshots of apps: bounded pictures that are no part of the package."""

import struct
import zlib
from pathlib import Path

import pytest

from archipelago.container.manifest.package import load_package, package_from_json, package_to_json
from archipelago.container.manifest.screenshots import MAX_BYTES, read_screenshot
from archipelago.container.manifest.yaml.problems import ManifestError

MANIFEST = """manifest: 1
id: ship
name: Ship
version: 1
summary: A test
description: A test
category: other
license: MIT
containers: {main: {build: {type: packages, packages: [busybox-static]}}}
"""


def png(width: int, height: int, more: bytes = b"") -> bytes:
    """Return the start of a picture; nothing here decodes the rest."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header)) + more


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app with two pictures."""
    folder = tmp_path / "ship"
    (folder / "screenshots").mkdir(parents=True)
    (folder / "manifest.yml").write_text(MANIFEST)
    (folder / "screenshots" / "2-hold.png").write_bytes(png(640, 400))
    (folder / "screenshots" / "1-deck.png").write_bytes(png(1280, 800))
    return folder


def test_they_are_there_in_order_and_no_part_of_the_package(app: Path) -> None:
    package = load_package(app)
    assert [(each.name, each.width) for each in package.screenshots] == [("1-deck.png", 1280), ("2-hold.png", 640)]
    assert not package.files and not package_from_json(package_to_json(package)).screenshots
    digest = package.package_digest()
    (app / "screenshots" / "1-deck.png").write_bytes(png(1280, 900))
    again = load_package(app)
    assert again.package_digest() == digest and again.screenshots != package.screenshots


def test_one_that_was_replaced_is_not_served_under_the_old_version(app: Path) -> None:
    (first, _) = load_package(app).screenshots
    assert read_screenshot(app, first) == png(1280, 800)
    (app / "screenshots" / "1-deck.png").write_bytes(b"<svg/>")
    assert read_screenshot(app, first) is None
    (app / "screenshots" / "1-deck.png").unlink()
    (app / "screenshots" / "1-deck.png").symlink_to("/etc/passwd")
    assert read_screenshot(app, first) is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.png", b"<svg onload=alert(1)/>", "expected a PNG picture"),
        ("a.png", png(50_000, 50_000), "at most 4096 by 4096 pixels"),
        ("a.png", png(0, 5), "at most 4096 by 4096 pixels"),
        ("a.png", png(5, 5, bytes(MAX_BYTES)), "at most 1024 KiB"),
        ("a.svg", b"", "expected names such as '1-wallets.png'"),
        ("A b.png", png(5, 5), "expected names such as '1-wallets.png'"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_place(app: Path, name: str, content: bytes, problem: str) -> None:
    (app / "screenshots" / name).write_bytes(content)
    with pytest.raises(ManifestError, match=problem) as refused:
        load_package(app)
    assert f"screenshots/{name}" in refused.value.message


def test_there_are_a_few_at_most(app: Path) -> None:
    for number in range(3, 8):
        (app / "screenshots" / f"{number}.png").write_bytes(png(5, 5))
    with pytest.raises(ManifestError, match="too many screenshots; expected at most 6"):
        load_package(app)
