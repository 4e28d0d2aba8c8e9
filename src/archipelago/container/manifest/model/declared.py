"""The names that the author of a manifest declared."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from archipelago.container.manifest.model.app import AppManifest


@dataclass(frozen=True, slots=True)
class Declared:
    """Names that the author declared, be their declaration right or wrong."""

    options: Collection[str]
    secrets: Collection[str]
    volumes: Collection[str]
    containers: Collection[str]
    complete: bool = True
    """Whether the manifest at hand is all that the author wrote, so that something absent is truly absent."""

    @classmethod
    def of(cls, manifest: AppManifest) -> Self:
        """Return the names of a manifest that is right."""
        return cls(manifest.options, manifest.secrets, manifest.volumes, manifest.containers)
