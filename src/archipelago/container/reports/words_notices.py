"""What needs the owner about words that open money. Pure."""

import hashlib
from collections.abc import Iterable

from archipelago.api.security import UnconfirmedWords
from archipelago.api.system import Notice, NoticeKind, Severity
from archipelago.support.texts.text import msg


def words_notices(unconfirmed: Iterable[UnconfirmedWords]) -> Iterable[Notice]:
    """Yield a notice about each secret whose words its owner has not shown to have on paper."""
    for each in unconfirmed:
        yield Notice(
            id=f"{NoticeKind.WORDS}:{each.app}.{each.secret}",
            said=hashlib.sha256(f"{each.app} {each.secret}".encode()).hexdigest()[:16],
            level=Severity.WARNING,
            kind=NoticeKind.WORDS,
            cause=f"{NoticeKind.APP}:{each.app}",
            app=each.app,
            name=each.name,
            text=msg("write down the {count} words of {app}", count=each.words, app=each.name),
            consequence=msg("nothing else brings its coins back where this disk and its backups are lost"),
            mend=f"archipelago secret confirm {each.app} {each.secret}",
        )
