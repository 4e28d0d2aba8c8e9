"""Base of the values that leave the node."""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Base of every value that leaves the node: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
