"""What every part of a manifest has in common."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every manifest part: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    replaced: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions of the format, with what an author writes instead."""
