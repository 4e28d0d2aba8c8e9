"""What of streamed files needs the owner: copies that are missing where they should be. Pure."""

import hashlib
from collections.abc import Iterable

from archipelago.api.data import StreamView
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.support.texts.text import joined, msg


def stream_notices(stream: StreamView) -> Iterable[Notice]:
    """Yield the notices about a streamed file."""
    if stream.problem:
        yield _notice(
            stream,
            "copy",
            Severity.ERROR,
            msg("the proof of money of {app} is not copied: {file}", app=stream.app, file=stream.file),
            stream.problem,
        )
    missing = [each for each in stream.targets if not each.current and each.problem]
    if missing:
        targets = joined([each.target for each in missing], ", ")
        yield _notice(
            stream,
            "targets",
            Severity.ERROR,
            msg("the newest proof of money of {app} is not on {targets}", app=stream.app, targets=targets),
            missing[0].problem,
        )
    if stream.size and not stream.targets:
        yield _notice(
            stream,
            "alone",
            Severity.WARNING,
            msg("the proof of money of {app} is on this disk alone", app=stream.app),
            msg("add a target of backups: 'archipelago backup add'"),
        )


def _notice(stream: StreamView, what: str, level: Severity, text: str, detail: str) -> Notice:
    return Notice(
        id=f"{NoticeKind.FINDING}:stream-{what}-{stream.app}-{stream.volume}",
        said=hashlib.sha256(text.encode()).hexdigest()[:16],
        level=level,
        kind=NoticeKind.FINDING,
        cause="backups",
        app=stream.app,
        name=stream.app,
        text=text,
        detail=detail,
        consequence=msg("if this disk fails, the money in the channels that it proves is lost"),
    )
