"""Installed apps, as the owner wants them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.variants import in_force
from archipelago.storage.records.volumes import StrictestClass


class Desired(StrEnum):
    """What the owner wants of an app."""

    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class AppRecord:
    """One installed app, as the owner wants it."""

    app: str
    package: AppPackage
    """Where it has a `problem`, what is stored stays as it is until the app is given another package."""
    desired: Desired
    slot: int
    options: Mapping[str, Scalar] = field(default_factory=dict)
    """What the owner set himself."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Interface -> provider that the app is bound to."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Endpoint -> port on the host."""
    lan: Mapping[str, bool] = field(default_factory=dict)
    """Endpoint -> whether the owner has it open to the local network; about others the manifest decides."""
    tor: Mapping[str, str] = field(default_factory=dict)
    """Endpoint -> who reaches it through Tor, as the owner said (`OnionAccess`); nobody where he said nothing."""
    installed_at: float = 0.0
    strictest: Mapping[str, StrictestClass] = field(default_factory=dict, compare=False)
    """Volume -> the strictest that versions before have said of it: `data_classes` has it count."""

    @property
    def manifest(self) -> AppManifest:
        """What its package says while it has these options."""
        return in_force(self.package.manifest, self.options)
