"""What apps use of the host, now and over time."""

from dataclasses import dataclass

from archipelago.api.metrics import Measure, MetricsSpan, MetricsView
from archipelago.api.system import Resources
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.containers import Installed
from archipelago.performance.metrics import Metrics
from archipelago.performance.resources import resources
from archipelago.security.login.sessions.clocks import Clocks


@dataclass(frozen=True, slots=True)
class UsageReporter:
    """Reads what was sampled."""

    installed: Installed
    reconciler: Reconciler
    host: HostFacts
    sampled: Metrics
    clocks: Clocks
    not_counted: tuple[Measure, ...]
    """What this host does not let the node measure."""
    not_enforced: tuple[str, ...]
    """What this host cannot enforce, in words for the owner."""

    async def metrics(self, app: str, span: MetricsSpan) -> MetricsView:
        """Return what an installed app used over time. Raises `NodeError`."""
        await self.installed(app)
        found = self.sampled.history(app, span, self.clocks.now() - self.clocks.steady())
        return found.model_copy(update={"not_counted": self.not_counted})

    def resources(self) -> Resources:
        """Return how the host is shared out among the apps."""
        apps = [found.record for found in self.reconciler.desired.apps.values()]
        shares = ((record.package.manifest, record.desired) for record in apps)
        written = self.sampled.written_in_a_day()
        return resources(self.host, shares, self.sampled.newest(), self.not_counted, self.not_enforced, written)
