"""What needs the owner, made of what is known of apps, operations, host and catalog. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archipelago.api.apps import AppSummary
from archipelago.api.backups import TargetView
from archipelago.api.health import WORKING, HealthState
from archipelago.api.notice_channels import Channel
from archipelago.api.operations import Operation
from archipelago.api.system import Finding, Notice, NoticeKind, Severity
from archipelago.container.operations.kinds import kind_words
from archipelago.container.reports.backup_notices import backup_notices
from archipelago.errors import ErrorCode
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.text import msg

_LITTLE = 0.1
_TOO_LITTLE = 0.03
"""Part of the disk that is left when it is time to say so, and when it is late."""
_SOON = 7 * 86400.0
"""Seconds before the disk is full that are worth a word."""
_TROUBLED = (HealthState.FAILED, HealthState.UNHEALTHY, HealthState.BACKING_OFF)
_CRITICAL = frozenset({"rootless", "key-file", "file-modes"})
"""Checks of the doctor whose errors nobody may mute."""
_DANGERS = _CRITICAL | {"data", "disk-works"}
"""Checks whose errors are about loss or danger. All others are warnings to the owner."""
_DEAF = 3
"""Attempts that failed in a row before a channel is said not to work."""
_NUMBER = re.compile(r"(?<![\w/.-])\d+(?:\.\d+)?")
"""A number by itself. One that belongs to a name, as in `relay-2` or `/srv/disk2`, says what a text is about."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds the data, in bytes."""

    total: int
    free: int
    full_in: float | None
    """Seconds, as fast as it filled until now."""


def notices(
    apps: Sequence[AppSummary],
    operations: Sequence[Operation],
    updates: Mapping[str, str],
    disk: Disk,
    findings: Iterable[Finding],
    names: Mapping[str, str] | None = None,
    channels: Iterable[Channel] = (),
    targets: Iterable[TargetView] = (),
) -> tuple[Notice, ...]:
    """Return what needs the owner, the gravest first.

    `operations` are the newest first, `updates` maps apps to versions, and `names` those of the catalog to their names.
    """
    found = (
        *(_of_app(each) for each in apps if each.state in _TROUBLED),
        *_of_disk(disk),
        # The disk is reported above, by its share.
        *(_of_finding(each) for each in findings if each.severity in _WORTH and each.check != "disk"),
        *(_of_channel(each) for each in channels if each.failures >= _DEAF),
        *(notice for each in targets for notice in backup_notices(each)),
        *_of_operations(operations, {each.app: each for each in apps}, names or {}),
        *(_of_update(each, updates[each.app]) for each in apps if each.app in updates and not each.operation),
    )
    return tuple(sorted(found, key=lambda notice: -notice.level.rank))


_WORTH = (Severity.WARNING, Severity.ERROR)


def with_hidden(found: Iterable[Notice], hidden: Mapping[str, Hidden]) -> tuple[Notice, ...]:
    """Return notices with what the owner has hidden; what he has acknowledged is so only while it says the same."""
    return tuple(each.model_copy(update={"hidden": _hiding(each, hidden.get(each.id))}) for each in found)


def outlived(
    hidden: Mapping[str, Hidden], found: Iterable[Notice], well: frozenset[str], gone: frozenset[str]
) -> tuple[str, ...]:
    """Return the ids of hidden notices that have had their time: acknowledgements, and operations that are over.

    What the owner wants to be reminded of counts as acknowledged until then. An app in trouble comes and goes while it
    is restarted again and again, so what was acknowledged of it counts until it has been `well` for a while, or is
    `gone`: not to be running, or no longer installed. Both are names of apps.
    """
    now = {each.id: each.said for each in found}

    def is_over(key: str, each: Hidden) -> bool:
        if key in now:
            return each.how is not Hiding.MUTED and now[key] != each.said
        kind, _, subject = key.partition(":")
        if each.how is Hiding.MUTED:
            return kind == NoticeKind.OPERATION  # there will be no other one of this id
        return kind != NoticeKind.APP or subject in well or subject in gone

    return tuple(key for key, each in hidden.items() if is_over(key, each))


def _hiding(notice: Notice, hidden: Hidden | None) -> Hiding | None:
    if hidden is None:
        return None
    if hidden.how is Hiding.MUTED and notice.may_mute:
        return Hiding.MUTED
    if hidden.said != notice.said:
        return None
    return Hiding.REMINDED if hidden.how is Hiding.REMINDED else Hiding.ACKNOWLEDGED


def _of_app(app: AppSummary) -> Notice:
    return Notice(
        id=f"{NoticeKind.APP}:{app.app}",
        said=_digest(Severity.ERROR, _without_numbers(app.reason)),
        level=Severity.ERROR if app.funds else Severity.WARNING,
        kind=NoticeKind.APP,
        cause=_cause_of(app.app),
        app=app.app,
        name=app.name,
        text=msg("{app} does not run as it should", app=app.name),
        detail=app.reason,
        consequence=msg("it cannot watch over the money to which it has the keys, and apps that use it do not work")
        if app.funds
        else msg("it does not work, nor do apps that use it; the node goes on trying to start it"),
    )


def _cause_of(app: str) -> str:
    return f"{NoticeKind.APP}:{app}"


def _of_channel(channel: Channel) -> Notice:
    name = channel.settings.name
    return Notice(
        id=f"{NoticeKind.CHANNEL}:{channel.id}",
        said=_digest(channel.id),
        level=Severity.WARNING,
        kind=NoticeKind.CHANNEL,
        cause="channels",
        name=name,
        text=msg("notices do not arrive by {name}", name=name),
        detail=channel.problem,
        consequence=msg("you do not hear of problems while you are away from this page"),
    )


def _of_disk(disk: Disk) -> Iterable[Notice]:
    left = disk.free / max(1, disk.total)
    soon = disk.full_in is not None and disk.full_in < _SOON
    if left >= _LITTLE and not soon:
        return
    little = left < _LITTLE
    level = Severity.ERROR if left < _TOO_LITTLE else Severity.WARNING
    yield Notice(
        id=f"{NoticeKind.DISK}:data",
        said=_digest(level, str(little)),
        level=level,
        kind=NoticeKind.DISK if little else NoticeKind.DISK_SOON,
        cause="disk",
        text=msg("little disk is left") if little else msg("the disk will be full within a week"),
        consequence=msg("apps stop, and their databases may be damaged, when the disk is full"),
    )


def _of_finding(finding: Finding) -> Notice:
    critical = finding.check in _CRITICAL and finding.severity is Severity.ERROR
    danger = finding.check in _DANGERS
    subject = finding.what if critical else _without_numbers(finding.what)
    return Notice(
        id=f"{NoticeKind.FINDING}:{finding.check}-{_digest(subject)}",
        said=_digest(finding.severity, subject),
        level=finding.severity if danger else Severity.WARNING,
        kind=NoticeKind.FINDING,
        cause="disk" if finding.check == "disk-works" else f"host:{finding.check}",
        text=finding.what,
        consequence=finding.why,
        mend=finding.mend,
        may_mute=not critical,
    )


def _of_operations(
    operations: Sequence[Operation], apps: Mapping[str, AppSummary], names: Mapping[str, str]
) -> Iterable[Notice]:
    """Yield a notice for each app whose last operation failed, unless it is over: nothing cancelled says so."""
    seen: set[str] = set()
    for each in operations:
        if each.app in seen or each.state is OperationState.CANCELLED:
            continue
        seen.add(each.app)
        if each.state is not OperationState.FAILED or each.error is None:
            continue
        app = apps.get(each.app)
        if each.error.code == ErrorCode.NOT_HEALTHY and app is not None and app.state in WORKING:
            continue  # it came up later
        name = app.name if app is not None else names.get(each.app, each.app)
        yield Notice(
            id=f"{NoticeKind.OPERATION}:{each.id}",
            said=_digest(each.id),
            level=Severity.WARNING,
            kind=NoticeKind.OPERATION,
            cause=_cause_of(each.app),
            app=each.app,
            name=name,
            text=msg("the last operation on {name} failed ({kind})", name=name, kind=kind_words(each.kind)),
            detail=each.error.message,
            consequence=msg("{name} stays as it is; the node does not try again by itself", name=name),
            operation=each.id,
        )


def _of_update(app: AppSummary, version: str) -> Notice:
    return Notice(
        id=f"{NoticeKind.UPDATE}:{app.app}",
        said=_digest(version),
        level=Severity.NOTE,
        kind=NoticeKind.UPDATE,
        cause="updates",
        app=app.app,
        name=app.name,
        text=msg("{app} {version} is available", app=app.name, version=version),
        consequence=msg("fixes of this version are missing, also those of security problems"),
        version=version,
    )


def _without_numbers(text: str) -> str:
    """Return a text without what changes while it is about the same: amounts, times, process ids."""
    return _NUMBER.sub("#", text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
