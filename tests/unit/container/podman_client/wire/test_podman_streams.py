"""Pieces of streams are put together the same however they were cut."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.podman_client.models import LogStream
from archipelago.container.podman_client.wire.streams import (
    FrameDemultiplexer,
    JsonLines,
    StreamBroken,
    parse_time,
)

_FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12)
_CUTS = st.lists(st.integers(min_value=0, max_value=600), max_size=20)


def _frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(_FRAMES, _CUTS)
def test_frames_come_out_as_they_went_in(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    reader = FrameDemultiplexer()
    data = b"".join(_frame(stream, payload) for stream, payload in frames)
    found = [frame for piece in _pieces(data, cuts) for frame in reader.feed(piece)]
    kinds = {1: LogStream.STDOUT, 2: LogStream.STDERR}
    assert found == [(kinds[stream], payload) for stream, payload in frames]
    assert reader.pending == 0


@given(st.binary(max_size=200), _CUTS)
def test_any_bytes_are_frames_or_an_error(data: bytes, cuts: list[int]) -> None:
    reader = FrameDemultiplexer(max_frame=64)
    try:
        for piece in _pieces(data, cuts):
            for _, payload in reader.feed(piece):
                assert len(payload) <= 64
    except StreamBroken:
        return
    assert reader.pending <= 64 + 8


def test_a_reader_that_stops_early_loses_no_frame() -> None:
    reader = FrameDemultiplexer()
    assert next(iter(reader.feed(_frame(1, b"a") + _frame(2, b"b")))) == (LogStream.STDOUT, b"a")
    assert list(reader.feed(b"")) == [(LogStream.STDERR, b"b")]


@given(st.lists(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())), max_size=8), _CUTS)
def test_objects_come_out_as_they_went_in(values: list[dict[str, object]], cuts: list[int]) -> None:
    reader = JsonLines()
    data = "\n".join(json.dumps(value) for value in values).encode()
    found = [value for piece in _pieces(data, cuts) for value in reader.feed(piece)] + reader.flush()
    assert found == values


@pytest.mark.parametrize("data", [b"[]\n", b"3\n", b"{\n", b"\xff\n"])
def test_what_is_no_object_breaks_the_stream(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        JsonLines().feed(data)


def test_an_object_that_is_cut_off_breaks_the_stream() -> None:
    reader = JsonLines()
    assert reader.feed(b'{"a": 1}\n{"b"') == [{"a": 1}]
    with pytest.raises(StreamBroken):
        reader.flush()
    with pytest.raises(StreamBroken):
        JsonLines(max_line=10).feed(b'{"a": "' + b"x" * 20)


def test_go_s_times() -> None:
    assert parse_time("2026-11-23T08:57:07.127940123Z") == datetime(2026, 11, 23, 8, 57, 7, 127940, UTC)
    assert parse_time("2026-11-23T09:57:07.1+01:00") == datetime(2026, 11, 23, 8, 57, 7, 100000, UTC)
    assert parse_time("0001-01-01T00:00:00Z") is None
    assert parse_time("2026-11-23T08:57:07") is None
    assert parse_time("") is None and parse_time("hello") is None


@given(st.text())
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    time = parse_time(text)
    assert time is None or time.tzinfo is not None
