"""The agent looks into what an app has written: it follows no link, and opens nothing but files."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from archipelago.container.namespace.agent.browse import list_folder, read_piece
from archipelago.container.namespace.agent.refused import Refused
from support.processor_time import ProcessorTime


@pytest.fixture
def volume(tmp_path: Path) -> str:
    (tmp_path / "secret").write_text("of the host")
    volume = tmp_path / "volume"
    (volume / "deep").mkdir(parents=True)
    (volume / "deep/file").write_bytes(bytes(range(256)))
    (volume / "link").symlink_to("../secret")
    (volume / "out").symlink_to("..")
    os.mkfifo(volume / "pipe")
    Path(os.fsdecode(os.fsencode(volume) + b"/\xff\n\x1b")).touch()
    return str(volume)


def listed(volume: str, *names: str, after: str = "", limit: int = 100) -> dict[str, Any]:
    return list_folder(volume, {"names": list(names), "after": after, "limit": limit, "timeout": 60})


def read(volume: str, *names: str, offset: int = 0, length: int = 1000) -> bytes:
    answer = read_piece(volume, {"names": list(names), "offset": offset, "length": length})
    assert answer["there"] and answer["size"] == 256
    return base64.b64decode(answer["content"])


def test_a_folder_is_listed_by_name_with_what_each_entry_is(volume: str) -> None:
    answer = listed(volume)
    found = {each["name"]: (each["kind"], each["target"]) for each in answer["entries"]}
    assert found == {
        "deep": ("folder", ""),
        "link": ("link", "../secret"),
        "out": ("link", ".."),
        "pipe": ("device or pipe", ""),
        os.fsdecode(b"\xff\n\x1b"): ("file", ""),
    }
    assert list(found) == sorted(found) and not answer["more"] and answer["complete"]


def test_pages_join_to_the_whole_folder(volume: str) -> None:
    names, after = [], ""
    while True:
        page = listed(volume, after=after, limit=2)
        names += [each["name"] for each in page["entries"]]
        if not page["more"]:
            break
        after = names[-1]
    assert names == [each["name"] for each in listed(volume)["entries"]]


def test_a_file_is_read_in_pieces(volume: str) -> None:
    assert read(volume, "deep", "file", length=100) == bytes(range(100))
    assert read(volume, "deep", "file", offset=100) == bytes(range(100, 256))
    assert read(volume, "deep", "file", offset=5000) == b""


@pytest.mark.parametrize("names", [["link"], ["pipe"], ["deep"]])
def test_what_is_no_file_is_not_opened(volume: str, names: list[str]) -> None:
    started = time.monotonic()
    with pytest.raises(Refused, match="no file but a"):
        read(volume, *names)
    assert time.monotonic() - started < 5, "a pipe without a writer is not waited for"


@pytest.mark.parametrize("names", [["out", "secret"], ["missing"], ["deep", "file", "x"]])
def test_nothing_outside_is_there(volume: str, names: list[str]) -> None:
    assert read_piece(volume, {"names": names, "offset": 0, "length": 1}) == {"there": False}
    assert listed(volume, *names) == {"there": False}


@pytest.mark.parametrize("name", ["..", ".", "", "a/b"])
def test_what_is_no_name_is_refused(volume: str, name: str) -> None:
    for names in ([name, "secret"], ["deep", name, "secret"]):
        with pytest.raises(Refused, match="is no name"):
            listed(volume, *names)
        with pytest.raises(Refused, match="is no name"):
            read(volume, *names)


def test_a_huge_folder_is_listed_in_a_moment(volume: str) -> None:
    huge = Path(volume) / "huge"
    huge.mkdir()
    descriptor = os.open(huge, os.O_RDONLY)
    for number in range(20_000):
        os.mknod(f"{number:05}", dir_fd=descriptor)
    os.close(descriptor)
    processor_time = ProcessorTime()
    answer = listed(volume, "huge", after="09999", limit=10)
    assert [each["name"] for each in answer["entries"]] == [f"{number:05}" for number in range(10_000, 10_010)]
    assert answer["more"]
    processor_time.require_below(1)


def test_no_folder_makes_an_answer_that_is_too_long(volume: str) -> None:
    hostile = Path(volume) / "hostile"
    hostile.mkdir()
    descriptor = os.open(hostile, os.O_RDONLY)
    for number in range(900):  # each byte of them is six in JSON
        os.symlink(b"\xff" * 4000, f"{number:03}".encode() + b"\xff" * 250, dir_fd=descriptor)
    os.close(descriptor)
    pages, after = [], ""
    while not pages or pages[-1]["more"]:
        pages.append(listed(volume, "hostile", after=after, limit=500))
        after = pages[-1]["entries"][-1]["name"]
        assert len(json.dumps(pages[-1])) < 2 << 20
    entries = [each for page in pages for each in page["entries"]]
    assert [each["name"][:3] for each in entries] == [f"{number:03}" for number in range(900)]
    assert all(len(each["target"]) < 500 and each["target"].endswith("…") for each in entries)


def test_out_of_time_it_says_that_names_may_be_missing(volume: str) -> None:
    answer = list_folder(volume, {"names": [], "after": "", "limit": 5, "timeout": -1})
    assert answer == {"there": True, "entries": [], "more": False, "complete": False}
