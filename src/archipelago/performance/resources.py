"""How the host is shared out among apps: what each may take, and takes now. Pure."""

from collections.abc import Iterable, Mapping

from archipelago.api.metrics import Measure, MetricsPoint
from archipelago.api.system import AppResources, Resources
from archipelago.container.dependency_resolver.host_facts import HostFacts
from archipelago.container.manifest.model.app import AppManifest
from archipelago.storage.records.apps import Desired


def resources(
    facts: HostFacts,
    apps: Iterable[tuple[AppManifest, Desired]],
    newest: Mapping[str, MetricsPoint],
    not_counted: Iterable[Measure],
    not_enforced: tuple[str, ...],
    written: Mapping[str, int],
) -> Resources:
    """Return limits and use of each app.

    `newest` is its last sample, where it runs, and `written` what it wrote to the disk in the last day, in bytes.
    """
    unknown = set(not_counted)
    shares = []
    for manifest, desired in apps:
        limits = [container.resources for container in manifest.containers.values()]
        point = newest.get(manifest.id) if desired is Desired.RUNNING else None
        shares.append(
            AppResources(
                app=manifest.id,
                name=manifest.name,
                desired=desired,
                memory_limit=sum(each.memory for each in limits),
                cpu_limit=sum(each.cpu for each in limits),
                pids_limit=sum(each.pids for each in limits),
                memory_used=None if point is None or Measure.MEMORY in unknown else point.memory,
                written_in_a_day=None if Measure.DISK in unknown else written.get(manifest.id, 0),
                cpu_used=None if point is None or Measure.CPU in unknown else round(point.cpu, 3),
            )
        )
    return Resources(memory=facts.memory, cores=facts.cores, apps=tuple(shares), not_enforced=not_enforced)
