"""Plain values that are made in large numbers."""

from collections.abc import Mapping
from dataclasses import field, fields, replace

import pytest

from archipelago.support.values import value


@value
class Point:
    """A value with a default of each kind."""

    x: int
    y: int = 0
    names: Mapping[str, str] = field(default_factory=dict)


@value
class Pixel:
    """A value that can be hashed."""

    x: int
    colour: str = "black"


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    assert Point(1) == Point(1, 0, {}) != Point(2)
    assert {Pixel(1): "a"}[replace(Pixel(2), x=1)] == "a"
    assert [each.name for each in fields(Point)] == ["x", "y", "names"]


def test_a_value_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 1  # type: ignore[attr-defined]
