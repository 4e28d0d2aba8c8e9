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
    OperationKind.SNAPSHOT_LOOK: msg("look into a snapshot"),
    OperationKind.RESTORE: msg("restore"),
    OperationKind.BACKUP: msg("backup"),
    OperationKind.BACKUP_RESTORE: msg("restore of a backup"),
    OperationKind.BACKUP_DRILL: msg("trial of a backup"),
    OperationKind.BACKUP_ALL: msg("backup of all apps"),
    OperationKind.BACKUP_DRILL_ALL: msg("trial of all backups"),
    OperationKind.BACKUP_RESTORE_ALL: msg("restore of all apps"),
    OperationKind.REPAIR: msg("repair"),
}
"""Mostly the kinds' own names."""


def kind_words(kind: str) -> str:
    """Return the words for a kind: its own name where there are none."""
    return KINDS.get(kind, kind)
