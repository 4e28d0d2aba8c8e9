"""Where the node sends notices to, and the messages that wait there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """One channel. Times are seconds since 1970."""

    id: str
    name: str
    target: str
    """JSON; another version may have written a kind that this one does not know."""
    secret: bytes | None
    """An age file under the node's key."""
    least: str
    """Level from which notices are sent."""
    resolved: bool
    """Whether it also says that a problem is gone."""
    created_at: float
    language: str = "en"
    """Of its messages; another version may have stored one that this one does not know."""
    sent_at: float | None = None
    failures: int = 0
    """Attempts that failed since the last success."""
    failure: str = ""
    """Why the last one failed: JSON of a message that can be translated, or a text."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A notice of which a message was written for a channel."""

    level: str
    app: str
    """Name of the app; empty where it is about none."""
    text: str
    """JSON of a message that can be translated, or a text."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that has not reached its channel yet."""

    number: int
    channel: str
    content: str
    """JSON."""
    attempts: int
    tried_at: float
    next_at: float
