"""What every part of a manifest has in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every manifest part: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
