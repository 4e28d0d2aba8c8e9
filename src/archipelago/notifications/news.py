"""Which notices a channel is sent now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archipelago.api.system import Notice, Severity
from archipelago.notifications.message import level_of
from archipelago.storage.records.notice_channels import Announced


@dataclass(frozen=True, slots=True)
class NoticePace:
    """Seconds of patience, so that what comes and goes is announced once."""

    settle: float = 60.0
    """How long a notice has to last before it is sent."""
    calm: float = 600.0
    """How long it has to be gone before that is sent."""
    look: float = 30.0
    """Between two looks."""


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """A notice that is there now."""

    notice: Notice
    lasted: float
    """Seconds since it was seen first, without a break."""


@dataclass(frozen=True, slots=True)
class News:
    """What a channel is sent, and what is forgotten of what it was sent."""

    raised: tuple[Notice, ...] = ()
    resolved: tuple[Announced, ...] = ()
    forgotten: tuple[str, ...] = ()
    """Ids of notices."""

    def __bool__(self) -> bool:
        return bool(self.raised or self.resolved or self.forgotten)


def news(
    channel: str,
    least: Severity,
    announced: Mapping[str, Announced],
    sights: Sequence[SeenNotice],
    gone: Mapping[str, float],
    pace: NoticePace,
) -> News:
    """Return what to send.

    `gone` says for how many seconds notices that were announced have not been there. A notice that the owner hides is
    forgotten without a word, so it is sent again once it is shown again. What is announced is sent again only at a
    higher level.
    """
    hidden = {each.notice.id for each in sights if each.notice.hidden is not None}
    present = {each.notice.id for each in sights}
    over = [key for key in announced if key not in present and gone.get(key, 0.0) >= pace.calm]
    return News(
        raised=tuple(
            each.notice
            for each in sights
            if each.lasted >= pace.settle and _is_news(each.notice, channel, least, announced.get(each.notice.id))
        ),
        resolved=tuple(announced[key] for key in over),
        forgotten=tuple(key for key in announced if key in hidden or key in over),
    )


def _is_news(notice: Notice, channel: str, least: Severity, before: Announced | None) -> bool:
    if notice.hidden is not None or notice.level.rank < least.rank:
        return False
    if notice.id == f"channel:{channel}":
        return False  # a channel that does not work cannot say so
    return before is None or notice.level.rank > level_of(before).rank
