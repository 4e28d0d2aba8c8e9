"""Installed apps, as the owner wants them."""

from enum import StrEnum


class Desired(StrEnum):
    """What the owner wants of an app."""

    RUNNING = "running"
    STOPPED = "stopped"
