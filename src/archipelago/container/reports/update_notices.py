"""What of updates needs the owner: those that the catalog has, and those that were installed by themselves. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from archipelago.api.apps import AppSummary
from archipelago.api.automatic_updates import AutomaticUpdateView
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.support.texts.text import msg


def update_notices(
    apps: Sequence[AppSummary], updates: Mapping[str, str], automatic: Mapping[str, AutomaticUpdateView]
) -> Iterable[Notice]:
    """Yield the notices about updates; `updates` maps apps to versions."""
    for each in apps:
        chosen = automatic.get(each.app)
        if each.app in updates and not each.operation:
            yield _available(each, updates[each.app], chosen)
        elif chosen is not None and chosen.recent and chosen.tried == each.version:
            yield _installed(each, chosen)


def _available(app: AppSummary, version: str, automatic: AutomaticUpdateView | None) -> Notice:
    failed = automatic is not None and automatic.failed and automatic.tried == version
    text = msg("{app} {version} is available", app=app.name, version=version)
    if failed:
        text = msg("the node could not update {app} to {version} by itself", app=app.name, version=version)
    return Notice(
        id=f"{NoticeKind.UPDATE}:{app.app}",
        said=_digest(version, "failed") if failed else _digest(version),
        level=Severity.WARNING if failed else Severity.NOTE,
        kind=NoticeKind.UPDATE,
        cause="updates",
        app=app.app,
        name=app.name,
        text=text,
        detail=_detail(automatic) if automatic is not None else "",
        consequence=msg("fixes of this version are missing, also those of security problems"),
        version=version,
    )


def _detail(automatic: AutomaticUpdateView) -> str:
    if automatic.failed:
        return automatic.obstacle
    if automatic.obstacle:
        return msg("it is not installed by itself: {why}", why=automatic.obstacle)
    return msg(
        "it is installed by itself, between {start}:00 and {end}:00", start=automatic.from_hour, end=automatic.to_hour
    )


def _installed(app: AppSummary, automatic: AutomaticUpdateView) -> Notice:
    return Notice(
        id=f"{NoticeKind.UPDATED}:{app.app}",
        said=_digest(automatic.tried),
        level=Severity.NOTE,
        kind=NoticeKind.UPDATED,
        cause=f"{NoticeKind.APP}:{app.app}",
        app=app.app,
        name=app.name,
        text=msg(
            "{app} was updated from {before} to {version} by itself",
            app=app.name,
            before=automatic.before,
            version=automatic.tried,
        ),
        version=automatic.tried,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
