"""The erasure code of the mesh gateway: any k of n fragments give the message back."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshtx.erasure import MOST_FRAGMENTS, MOST_PARTS, fragment, parts_of, restored


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.integers(24, 400), st.randoms(use_true_random=False))
def test_any_k_fragments_give_the_message_back(message: bytes, largest: int, chance: random.Random) -> None:
    count, size = parts_of(len(message), largest)
    kept = chance.sample(range(MOST_FRAGMENTS), count)
    fragments = {index: fragment(message, count, size, index) for index in kept}
    assert {len(each) for each in fragments.values()} == {size} and size <= largest
    assert restored(fragments, count, size, len(message)) == message


def test_the_largest_message_comes_back_from_repair_fragments_alone() -> None:
    message = random.Random(5).randbytes(MOST_PARTS * 387)
    count, size = parts_of(len(message), 387)
    fragments = {index: fragment(message, count, size, index) for index in range(MOST_PARTS, MOST_FRAGMENTS)}
    assert restored(fragments, count, size, len(message)) == message


def test_one_fragment_too_few_is_not_enough() -> None:
    message = bytes(range(100))
    count, size = parts_of(len(message), 10)
    fragments = {index: fragment(message, count, size, index) for index in range(3, count + 2)}
    with pytest.raises(ValueError, match="9 of 10 fragments"):
        restored(fragments, count, size, len(message))


def test_a_message_that_is_too_long_or_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="1280 are the most"):
        parts_of(1281, 10)
    with pytest.raises(ValueError, match="nothing to send"):
        parts_of(0, 10)


@given(st.integers(1, 50_000), st.integers(400, 500))
def test_the_receiver_counts_the_same_parts_from_length_and_size(length: int, largest: int) -> None:
    count, size = parts_of(length, largest)
    assert -(-length // size) == count
