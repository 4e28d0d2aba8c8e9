"""The words for the kinds of operations."""

from archipelago.api.operations import OperationKind
from archipelago.container.operations.kinds import KINDS


def test_each_kind_has_its_word() -> None:
    assert KINDS.keys() == set(OperationKind)
