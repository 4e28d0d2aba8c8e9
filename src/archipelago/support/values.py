"""Classes of plain values of which so many are made that each of their fields counts."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Value = TypeVar("Value")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[Value]) -> type[Value]:
    """Make a class a frozen dataclass with slots that only mypy keeps from being changed.

    Where Python does that as well (`frozen=True`), each field takes ten times as long to set.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)
