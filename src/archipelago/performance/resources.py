"""How the host is shared out among apps: what each may take, and takes now. Pure."""

from collections.abc import Iterable
from dataclasses import asdict

from archipelago.api.metrics import Measure, MetricsPoint
from archipelago.api.system import AppResources, OwnLimitsView
from archipelago.container.manifest.model.app import AppManifest
from archipelago.performance.resource_manager.budgets import AppBudget
from archipelago.storage.records.apps import Desired


def app_resources(
    manifest: AppManifest,
    desired: Desired,
    budget: AppBudget,
    newest: MetricsPoint | None,
    not_counted: Iterable[Measure],
    *,
    written: int,
    disk_used: int | None,
) -> AppResources:
    """Return limits and use of an app.

    `newest` is its last sample, `written` what it wrote to the disk in the last day, and `disk_used` what its volumes
    took when they were counted last, in bytes.
    """
    unknown = set(not_counted)
    point = newest if desired is Desired.RUNNING else None
    return AppResources(
        app=manifest.id,
        name=manifest.name,
        desired=desired,
        memory_limit=budget.memory,
        cpu_limit=budget.cpu,
        pids_limit=budget.pids,
        memory_promised=budget.promised,
        cpu_weight=budget.cpu_weight,
        io_weight=budget.io_weight,
        disk_limit=budget.disk,
        disk_used=disk_used,
        own=OwnLimitsView(**asdict(budget.own)),
        memory_used=None if point is None or Measure.MEMORY in unknown else point.memory,
        cpu_used=None if point is None or Measure.CPU in unknown else round(point.cpu, 3),
        written_in_a_day=None if Measure.DISK in unknown else written,
    )
