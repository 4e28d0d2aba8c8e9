"""Garbage is looked for less often for a while, and then as before, whoever else wants the same meanwhile."""

import gc
from collections.abc import Iterator

import pytest

from archipelago.support.garbage import little_garbage


@pytest.fixture(autouse=True)
def threshold() -> Iterator[None]:
    """Have the threshold of a program that has not changed it, which the tests' own process may have."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_it_is_looked_for_as_before_in_the_end() -> None:
    usual = gc.get_threshold()
    with little_garbage():
        assert gc.get_threshold()[0] > usual[0] and gc.get_threshold()[1:] == usual[1:]
        with little_garbage():
            assert gc.get_threshold()[0] > usual[0]
        assert gc.get_threshold()[0] > usual[0]
    assert gc.get_threshold() == usual
    with pytest.raises(ValueError), little_garbage():
        raise ValueError
    assert gc.get_threshold() == usual
