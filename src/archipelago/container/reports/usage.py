"""What apps use of the host, now and over time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archipelago.api.metrics import Measure, MetricsSpan, MetricsView
from archipelago.api.system import AppResources, PausedApp, Resources
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.dependency_resolver.memory_budget import NODE_MEMORY
from archipelago.container.desired.installed_apps import installed
from archipelago.container.desired.state import DesiredApp, DesiredState
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reports.containers import Installed
from archipelago.performance.metrics import Metrics
from archipelago.performance.resource_manager.pause_order import RankedApp
from archipelago.performance.resource_manager.pauses import Pauses
from archipelago.performance.resources import app_resources
from archipelago.security.login.sessions.clocks import Clocks


@dataclass(frozen=True, slots=True)
class UsageReporter:
    """Reads what was sampled."""

    installed: Installed
    reconciler: Reconciler
    host: HostFacts
    sampled: Metrics
    clocks: Clocks
    pauses: Pauses
    order: Callable[[DesiredState], tuple[RankedApp, ...]]
    """Returns the apps that are to run, the first to be paused first."""
    disk_used: Callable[[], Mapping[str, int]]
    """Returns what volumes took when they were counted last, in bytes by app."""
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
        desired = self.reconciler.desired
        order = self.order(desired)
        reasons = self.pauses.reasons(order)
        return Resources(
            memory=self.host.memory,
            cores=self.host.cores,
            apps=tuple(self._of(found) for found in desired.apps.values()),
            memory_of_node=NODE_MEMORY,
            paused=tuple(
                PausedApp(
                    app=app,
                    name=desired.apps[app].record.package.manifest.name,
                    cause=cause,
                    reason=reasons[app],
                )
                for app, cause in self.pauses.causes(order).items()
            ),
            pause_order=tuple(each.app for each in order),
            not_enforced=self.not_enforced,
        )

    def of_app(self, app: str) -> AppResources:
        """Return what an installed app may take, and takes. Raises `NodeError`."""
        return self._of(installed(self.reconciler.desired.apps, app))

    def _of(self, found: DesiredApp) -> AppResources:
        app = found.record.app
        return app_resources(
            found.record.package.manifest,
            found.record.desired,
            self.reconciler.desired.budgets[app],
            self.sampled.newest().get(app),
            self.not_counted,
            written=self.sampled.written_in_a_day().get(app, 0),
            disk_used=self.disk_used().get(app),
        )
