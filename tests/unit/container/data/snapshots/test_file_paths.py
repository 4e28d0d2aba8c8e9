"""Paths of files in snapshots: every name that an app may choose can be shown, typed and read back."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.data.snapshots.file_paths import (
    SnapshotPath,
    read_path,
    real_name,
    shown_name,
    shown_path,
)
from archipelago.errors import NodeError

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b".."))


@given(volume=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), names=st.lists(NAMES, max_size=5))
def test_each_file_has_a_path_that_leads_to_it_alone(volume: str, names: list[bytes]) -> None:
    place = SnapshotPath(volume, tuple(map(os.fsdecode, names)))
    assert read_path(shown_path(place)) == place


@given(name=NAMES)
def test_a_name_is_shown_without_anything_that_could_take_over_a_terminal(name: bytes) -> None:
    shown = shown_name(os.fsdecode(name))
    shown.encode()  # it is UTF-8
    assert all(each.isprintable() or each.isspace() for each in shown if ord(each) < 0xA0), shown
    assert "\n" not in shown and "\x1b" not in shown
    assert real_name(shown) == os.fsdecode(name)


@pytest.mark.parametrize("name", ["photo.jpg", "Überraschung 1.txt", "日本", "a\\x5cb"])
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert shown_name(real_name(name)) == name


@pytest.mark.parametrize(
    "path",
    [
        "secrets/key.age",
        "volumes/../secrets",
        "volumes/data/..",
        "volumes/data/./x",
        "volumes/data//x",
        "volumes/.hidden",
        "volumes/data/a\\x2fb",
        "volumes/data/\\x2e\\x2e",
        "volumes/data/\\x00",
        "volumes/data/back\\slash",
        "/etc/passwd",
        "record.json",
    ],
)
def test_what_leads_elsewhere_is_no_path(path: str) -> None:
    with pytest.raises(NodeError, match="is no path in a snapshot"):
        read_path(path)


def test_the_folder_of_the_volumes_has_a_path_too() -> None:
    assert read_path("") == read_path("volumes") == read_path("/volumes/") == SnapshotPath()
