"""What the node says of data: the values of the methods about it."""

from datetime import datetime

from archipelago.api.apps import View, VolumeView


class KeptData(View):
    """Data with keys to money that was kept when its app was removed with its data."""

    app: str
    kept: str
    """Its name: the time of the removal, `2026-11-29T08-40-00.123Z`."""
    at: datetime
    version: str
    """Version of the app that was removed."""
    volumes: tuple[VolumeView, ...] = ()
    secrets: int = 0
    """Number of secrets of the app, which may open what is in the volumes."""
