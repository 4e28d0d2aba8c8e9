"""Frames of the mesh gateway: what is packed is read again, and nonsense is none of them."""

import random

from hypothesis import given
from hypothesis import strategies as st

from meshtx.frames import MOST_BYTES, Ask, Data, Frame, Need, Report, Status, name_of, unpacked

NAMES = st.binary(min_size=8, max_size=8)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Data, NAMES, st.integers(1, MOST_BYTES), st.integers(0, 255), st.binary(min_size=1, max_size=380)),
    st.builds(Ask, NAMES),
    st.builds(Need, NAMES, st.integers(1, 255)),
    st.builds(
        Report,
        NAMES,
        st.sampled_from((Status.ACCEPTED, Status.KNOWN)),
        st.binary(min_size=32, max_size=32) | st.just(b""),
    ),
    st.builds(
        Report,
        NAMES,
        st.sampled_from((Status.REFUSED, Status.WAITING, Status.LIMITED)),
        reason=st.text(st.characters(categories=("L", "N", "P")), max_size=30),
    ),
)


@given(FRAMES)
def test_what_is_packed_is_read_again(frame: Frame) -> None:
    assert unpacked(frame.packed()) == frame


def test_a_hundred_thousand_damaged_frames_are_read_without_an_error() -> None:
    chance = random.Random(17)
    whole = [Data(name_of(b"x"), 300, 1, b"y" * 40), Ask(name_of(b"x")), Need(name_of(b"x"), 3)]
    whole_bytes = [each.packed() for each in whole] + [Report(name_of(b"x"), Status.REFUSED, reason="é" * 30).packed()]
    read = 0
    for _ in range(100_000):
        raw = bytearray(chance.choice(whole_bytes))
        for _ in range(chance.randrange(1, 5)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        found = unpacked(bytes(raw[: chance.randrange(len(raw) + 1)]))
        read += found is not None
    assert 0 < read < 100_000


def test_a_reason_is_cut_between_characters_and_cannot_move_the_terminal_of_the_sender() -> None:
    report = Report(name_of(b"x"), Status.REFUSED, reason="\x1b[2J" + "é" * 200)
    raw = report.packed(100)
    found = unpacked(raw)
    assert len(raw) <= 100
    assert isinstance(found, Report) and found.reason.startswith(" [2Jéé") and found.reason.endswith("é")
