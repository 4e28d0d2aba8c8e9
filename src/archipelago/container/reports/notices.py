"""What needs the owner, made of what is known of apps, operations, host and catalog. Pure."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archipelago.api.apps import AppSummary
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.backups import TargetView
from archipelago.api.data import StreamView
from archipelago.api.health import TROUBLED, WORKING
from archipelago.api.notice_channels import Channel
from archipelago.api.operations import ErrorView, Operation
from archipelago.api.security import UnconfirmedWords
from archipelago.api.system import Finding, Notice, NoticeKind, Severity
from archipelago.container.operations.kinds import kind_words
from archipelago.container.reports.backup_notices import backup_notices
from archipelago.container.reports.disk_notices import FullShare, PrunableChain, disk_notices
from archipelago.container.reports.stream_notices import stream_notices
from archipelago.container.reports.update_notices import update_notices
from archipelago.container.reports.words_notices import words_notices
from archipelago.errors import ErrorCode
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.storage.records.notices import Hidden, Hiding
from archipelago.storage.records.operations import OperationState
from archipelago.support.texts.sizes import size_words
from archipelago.support.texts.text import msg

_LARGEST = 3
"""Apps that a notice names as those that take most of the disk."""
_SOON = 7 * 86400.0
"""Seconds before the disk is full that are worth a word."""
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
    level: DiskLevel = DiskLevel.PLENTY
    largest: tuple[tuple[str, int], ...] = ()
    """Names of apps with the bytes that their data takes, as far as they were counted, the largest first."""
    written: tuple[tuple[str, int], ...] = ()
    """Names of apps with the bytes that they wrote in a day, the largest first; empty where the disk endures that."""
    shares: tuple[FullShare, ...] = ()
    """Apps that fill the part of the disk that they may take."""
    prunable: tuple[PrunableChain, ...] = ()


@dataclass(frozen=True, slots=True)
class Paused:
    """The apps that the node does not run now, by name; without those that their owner stopped."""

    for_disk: tuple[str, ...] = ()
    for_memory: tuple[str, ...] = ()


def notices(
    apps: Sequence[AppSummary],
    operations: Sequence[Operation],
    updates: Mapping[str, str],
    disk: Disk,
    findings: Iterable[Finding],
    names: Mapping[str, str] | None = None,
    channels: Iterable[Channel] = (),
    paused: Paused | None = None,
    targets: Iterable[TargetView] = (),
    streams: Iterable[StreamView] = (),
    automatic: Iterable[AutomaticUpdateView] = (),
    words: Iterable[UnconfirmedWords] = (),
) -> tuple[Notice, ...]:
    """Return what needs the owner, the gravest first.

    `operations` are the newest first, `updates` maps apps to versions, and `names` those of the catalog to their names.
    """
    found = (
        *(_of_app(each) for each in apps if each.state in TROUBLED or each.trouble),
        *_of_disk(disk, paused.for_disk if paused is not None else ()),
        *disk_notices(disk.level, disk.shares, disk.prunable),
        *_of_writes(disk.written),
        *_of_memory(paused.for_memory if paused is not None else ()),
        # The disk is reported above, by its share.
        *(_of_finding(each) for each in findings if each.severity in _WORTH and each.check != "disk"),
        *(_of_channel(each) for each in channels if each.failures >= _DEAF),
        *(notice for each in targets for notice in backup_notices(each)),
        *(notice for each in streams for notice in stream_notices(each)),
        *words_notices(words),
        *_of_operations(operations, {each.app: each for each in apps}, names or {}),
        *update_notices(apps, updates, {each.app: each for each in automatic}),
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
    reason = app.trouble or app.reason
    return Notice(
        id=f"{NoticeKind.APP}:{app.app}",
        said=_digest(Severity.ERROR, _without_numbers(reason)),
        level=Severity.ERROR if app.funds else Severity.WARNING,
        kind=NoticeKind.APP,
        cause=_cause_of(app.app),
        app=app.app,
        name=app.name,
        text=msg("{app} does not run as it should", app=app.name),
        detail=reason,
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


def _of_disk(disk: Disk, paused: Sequence[str]) -> Iterable[Notice]:
    soon = disk.full_in is not None and disk.full_in < _SOON
    little = disk.level is not DiskLevel.PLENTY
    if not little and not soon:
        return
    yield Notice(
        id=f"{NoticeKind.DISK}:data",
        said=_digest(disk.level.name, *paused),
        level=Severity.ERROR if disk.level is DiskLevel.CRITICAL else Severity.WARNING,
        kind=NoticeKind.DISK if little else NoticeKind.DISK_SOON,
        cause="disk",
        text=_disk_words(paused) if little else msg("the disk will be full within a week"),
        detail=_disk_detail(disk),
        consequence=_CONSEQUENCES[disk.level],
        mend=msg("remove apps or files that you do not need, or move the data to a larger disk"),
    )


_CONSEQUENCES = {
    DiskLevel.PLENTY: msg("if the disk fills further, apps without keys to money are paused first, then all others"),
    DiskLevel.LITTLE: msg("if the disk fills further, apps without keys to money are paused first, then all others"),
    DiskLevel.SCARCE: msg("nothing can be installed or updated; if the disk fills further, all apps are paused"),
    DiskLevel.CRITICAL: msg("no app runs until there is space again, so that no database is damaged"),
}


def _disk_words(paused: Sequence[str]) -> str:
    if not paused:
        return msg("little disk is left")
    return msg("little disk is left, so the node has paused {apps}", apps=", ".join(paused))


def _disk_detail(disk: Disk) -> str:
    free = msg("{free} of {total} are free", free=size_words(disk.free), total=size_words(disk.total))
    if not disk.largest:
        return free
    largest = ", ".join(f"{name} {size_words(size)}" for name, size in disk.largest[:_LARGEST])
    return msg("{free}; most is taken by {largest}", free=free, largest=largest)


def _of_writes(written: Sequence[tuple[str, int]]) -> Iterable[Notice]:
    if written:
        yield Notice(
            id=f"{NoticeKind.FINDING}:writes",
            said=_digest(written[0][0]),
            level=Severity.WARNING,
            kind=NoticeKind.FINDING,
            cause="disk",
            text=msg("apps wrote {size} to the disk in a day", size=size_words(sum(size for _, size in written))),
            detail=", ".join(f"{name} {size_words(size)}" for name, size in written[:_LARGEST]),
            consequence=msg("a card or a flash disk wears out early"),
            mend=msg("stop the app that writes most, or move the data to a larger disk"),
        )


def _of_memory(paused: Sequence[str]) -> Iterable[Notice]:
    if paused:
        yield Notice(
            id=f"{NoticeKind.MEMORY}:pressure",
            said=_digest(*paused),
            level=Severity.WARNING,
            kind=NoticeKind.MEMORY,
            cause="memory",
            text=msg("memory was short, so the node has paused {apps}", apps=", ".join(paused)),
            consequence=msg("they start again by themselves once there is enough memory"),
            mend=msg("stop an app, or lower the memory that it may use"),
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
        about = each.app or each.kind
        if about in seen or each.state is OperationState.CANCELLED:
            continue
        seen.add(about)
        if each.state is not OperationState.FAILED or each.error is None:
            continue
        if not each.app:
            yield _of_node_operation(each, each.error)
            continue
        app = apps.get(each.app)
        if _waited_in_vain(each.error) and app is not None and app.state in WORKING:
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


def _of_node_operation(operation: Operation, error: ErrorView) -> Notice:
    """Return the notice about the last operation on the whole node, which failed in part."""
    return Notice(
        id=f"{NoticeKind.OPERATION}:{operation.id}",
        said=_digest(operation.id),
        level=Severity.WARNING,
        kind=NoticeKind.OPERATION,
        cause=f"operation:{operation.kind}",
        text=msg("the last {kind} is not complete", kind=kind_words(operation.kind)),
        detail=error.message,
        consequence=msg("what it did stays; the node does not do the rest by itself"),
        operation=operation.id,
    )


def _waited_in_vain(error: ErrorView) -> bool:
    """Return whether an operation failed since an app did not come up; a full disk may be why (`Situation.error`)."""
    return error.code == ErrorCode.NOT_HEALTHY or (error.code == ErrorCode.DISK_FULL and "state" in error.data)


def _without_numbers(text: str) -> str:
    """Return a text without what changes while it is about the same: amounts, times, process ids."""
    return _NUMBER.sub("#", text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
