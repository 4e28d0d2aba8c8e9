"""The kinds of operations in words, as parts of sentences."""

from collections.abc import Mapping

from archipelago.api.operations import OperationKind
from archipelago.support.texts.text import msg

KINDS: Mapping[str, str] = {
    OperationKind.INSTALL: msg("install"),
    OperationKind.START: msg("start"),
    OperationKind.STOP: msg("stop"),
    OperationKind.RESTART: msg("restart"),
    OperationKind.REMOVE: msg("remove"),
    OperationKind.UPDATE: msg("update"),
    OperationKind.CONFIGURE: msg("configure"),
    OperationKind.SECRETS: msg("secrets"),
    OperationKind.SNAPSHOT: msg("snapshot"),
    OperationKind.RESTORE: msg("restore"),
    OperationKind.REPAIR: msg("repair"),
}
"""The same words as the kinds' own names."""


def kind_words(kind: str) -> str:
    """Return the words for a kind: its own name where there are none."""
    return KINDS.get(kind, kind)
