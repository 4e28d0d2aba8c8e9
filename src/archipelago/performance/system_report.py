"""Facts of the node and of its host, as they are now."""

import asyncio
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archipelago import __version__
from archipelago.api.metrics import MetricsSpan
from archipelago.api.system import PowerAction, SystemHistoryView, SystemInfo
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.performance import host
from archipelago.performance.forecast import DiskForecast
from archipelago.performance.system_history import SystemHistory
from archipelago.security.login.sessions.clocks import Clocks


@dataclass(frozen=True, slots=True)
class SystemReporter:
    """Reads the host, and adds what does not change while the node runs."""

    node_id: str
    root: Path
    facts: HostFacts
    podman: str
    """Version of Podman."""
    power: tuple[PowerAction, ...]
    not_enforced: tuple[str, ...]
    forecast: DiskForecast
    sampled: SystemHistory
    clocks: Clocks
    revision: Callable[[], int]
    """Returns the revision of the newest event."""
    started: float
    """When the node started, by `time.monotonic`."""

    async def info(self) -> SystemInfo:
        """Return them."""
        total, available = await asyncio.to_thread(host.memory)
        disk_total, disk_free = await asyncio.to_thread(host.disk, self.root)
        return SystemInfo(
            version=__version__,
            node_id=self.node_id,
            revision=self.revision(),
            architecture=self.facts.architecture.value,
            kernel=platform.release(),
            memory=total,
            memory_available=available,
            cores=self.facts.cores,
            load=host.load(),
            disk_total=disk_total,
            disk_free=disk_free,
            disk_full_in=self.forecast.seconds_left(),
            temperature=await asyncio.to_thread(host.temperature),
            podman=self.podman,
            data_root=str(self.root),
            uptime=round(time.monotonic() - self.started, 1),
            power=self.power,
            not_enforced=self.not_enforced,
        )

    async def history(self, span: MetricsSpan) -> SystemHistoryView:
        """Return what the host used over time."""
        memory, _ = await asyncio.to_thread(host.memory)
        disk, _ = await asyncio.to_thread(host.disk, self.root)
        return self.sampled.view(span, self.clocks.now() - self.clocks.steady(), memory, disk)
