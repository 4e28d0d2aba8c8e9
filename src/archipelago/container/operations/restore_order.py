"""In which order apps come back from their backups. Pure.

A provider comes before those that use it, since an app is refused while nothing provides what it requires. Backups hold
what the owner had chosen (`AppRecord.choices`), so of several providers the one counts that the app used.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from archipelago.container.dependency_resolver.order import find_cycle, start_order
from archipelago.storage.records.apps import AppRecord


def restore_order(apps: Mapping[str, AppRecord]) -> tuple[str, ...]:
    """Return the apps, each after those that it uses; by name where that leaves a choice.

    What an app can do without gives way where apps use each other in a ring, and so does what is left of a ring.
    """
    firm = {app: set(_providers(app, apps, optional=False)) for app in apps}
    needs = {app: firm[app] | set(_providers(app, apps, optional=True)) for app in apps}
    while (cycle := find_cycle(apps, needs)) is not None:
        steps = list(pairwise(cycle))
        user, used = next(((one, other) for one, other in steps if other not in firm[one]), steps[-1])
        needs[user].discard(used)
        firm[user].discard(used)
    return tuple(start_order(apps, needs))


def lacking(app: AppRecord, there: Iterable[AppRecord], gone: Sequence[str], apps: Mapping[str, AppRecord]) -> str:
    """Return the app that should have come back before this one and did not; empty where nothing is lacking.

    `there` are the installed apps, `gone` those that did not come back, `apps` all that are restored.
    """
    provided = {interface for each in there for interface in each.package.manifest.provides}
    for interface, required in sorted(app.manifest.requires.items()):
        if required.optional or interface in provided:
            continue
        if lost := [each for each in gone if each in apps and interface in apps[each].package.manifest.provides]:
            chosen = app.choices.get(interface, "")
            return chosen if chosen in lost else lost[0]
    return ""


def _providers(app: str, apps: Mapping[str, AppRecord], *, optional: bool) -> Iterable[str]:
    """Yield the apps that provide what an app requires, among those that come back."""
    record = apps[app]
    for interface, required in record.manifest.requires.items():
        if required.optional is not optional:
            continue
        chosen = record.choices.get(interface, "")
        if chosen in apps and chosen != app:
            yield chosen
            continue
        yield from (
            name for name, each in sorted(apps.items()) if name != app and interface in each.package.manifest.provides
        )
