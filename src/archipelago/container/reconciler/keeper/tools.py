"""What all keepers share."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from archipelago.api.health import Health
from archipelago.container.data.keeper import VolumeKeeper
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.health_monitor.monitor import HealthMonitor
from archipelago.container.namespace.client import Namespace
from archipelago.container.networks.bridges import Bridges
from archipelago.container.networks.firewall import Firewall
from archipelago.container.networks.keeper import NetworkKeeper
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.reconciler.observer import Observer
from archipelago.performance.control_groups import ControlGroups

ImageId = Callable[[DesiredApp, str], Coroutine[Any, Any, str | None]]
"""Returns the ID of the image of one container; None where it must be brought back."""
Rebuild = Callable[[DesiredApp, str], Awaitable[str]]
"""Brings back the image of one container, and returns its ID."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all keepers share."""

    client: PodmanClient
    namespace: Namespace
    observer: Observer
    networks: NetworkKeeper
    volumes: VolumeKeeper
    firewall: Firewall
    limits: ControlGroups
    bridges: Bridges
    monitor: HealthMonitor
    files_root: str
    desired: Callable[[], DesiredState]
    health_of: Callable[[str], Health]
    changed: Callable[[str], None]
    """Receives the app whenever its health or what runs of it changed."""
    sweep_soon: Callable[[], None]
    """Has networks removed that nobody needs."""
    image_id: ImageId
    rebuild: Rebuild
    redact: Callable[[str], str]
    """Takes secrets out of what apps write."""
