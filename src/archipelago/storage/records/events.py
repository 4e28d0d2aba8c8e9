"""Events: what changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that has just changed."""

    kind: str
    app: str | None
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that changed."""

    revision: int
    at: datetime
    kind: str
    """As text: another version may know more kinds."""
    app: str | None = None
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
