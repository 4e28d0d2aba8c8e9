"""What the owner sees of a volume."""

from pathlib import Path

from archipelago.api.data import VolumeView
from archipelago.container.manifest.model.data import DataClass
from archipelago.container.namespace.client import Namespace

_COUNTING = 5.0
"""Longest time for counting what a volume holds, in seconds."""


async def volume_view(namespace: Namespace, volume: Path, *, funds: bool, data: DataClass | None = None) -> VolumeView:
    """Return a volume with what it takes on the disk, as far as that was counted in time."""
    size, counted = await namespace.size(str(volume), _COUNTING)
    return VolumeView(name=volume.name, size=size, counted=counted, funds=funds, data=data)
