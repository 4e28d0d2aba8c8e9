"""What of backups needs the owner: targets that are overdue, and backups that cannot be restored. Pure."""

import hashlib
from collections.abc import Iterable

from archipelago.api.backups import TargetView
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.support.texts.text import joined, msg


def backup_notices(target: TargetView) -> Iterable[Notice]:
    """Yield the notices about a target."""
    if overdue := [each.app for each in target.apps if each.overdue]:
        yield _notice(
            target.name,
            "overdue",
            Severity.ERROR,
            msg("there is no new backup of {apps} on {target}", apps=joined(overdue, ", "), target=target.name),
            target.problem,
        )
    failed = {
        each.app: each.proof.problem
        for each in target.apps
        if each.proof is not None and each.proof.tried and not each.proof.passed
    }
    if failed:
        yield _notice(
            target.name,
            "unproved",
            Severity.ERROR,
            msg(
                "a backup of {apps} on {target} cannot be restored", apps=joined(list(failed), ", "), target=target.name
            ),
            next(iter(failed.values())),
        )


def _notice(target: str, what: str, level: Severity, text: str, detail: str) -> Notice:
    return Notice(
        id=f"{NoticeKind.FINDING}:backup-{what}-{target}",
        said=hashlib.sha256(text.encode()).hexdigest()[:16],
        level=level,
        kind=NoticeKind.FINDING,
        cause="backups",
        name=target,
        text=text,
        detail=detail,
        consequence=msg("what was written since the last good backup is lost if this disk fails"),
    )
