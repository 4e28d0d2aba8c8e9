"""Values that are stored as JSON, which other versions of this program may have written."""

from pydantic import BaseModel, ConfigDict


class Stored(BaseModel):
    """Base of these values: frozen; keys that this version does not know are passed over.

    Each field that was added later has a default, for what earlier versions wrote.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)
