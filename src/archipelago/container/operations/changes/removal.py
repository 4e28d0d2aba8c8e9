"""Takes apps out of the node; a removal does so, and a cancelled installation."""

from collections.abc import Collection
from dataclasses import replace

from archipelago.container.data.kept import NOTHING_KEPT, Keepsake, keepsake_of
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.operations.changes.turn import TurnResult
from archipelago.container.operations.job_parts import JobParts
from archipelago.errors import NodeError


async def uninstall(parts: JobParts, apps: Collection[str], *, message: str, app: str) -> None:
    """Have apps be no longer installed, and return when nothing of them runs. Raises `ResolutionError`."""

    async def rebind(records: Records) -> TurnResult:
        plan = await parts.composer.plan(records, Request())
        return TurnResult({name: replace(each, choices=plan.choices(name)) for name, each in records.items()}, plan)

    if not set(apps).isdisjoint(await parts.state.load_apps()):
        await parts.changes.make(rebind, remove=apps, tolerant=True, message=message, app=app)
    await parts.reconciler.changed.until(lambda: all(map(parts.reconciler.is_gone, apps)))
    for name in apps:
        await parts.data.forget_logs(name)


async def take_back(
    parts: JobParts, apps: Collection[str], without_data: Collection[str], *, message: str, app: str
) -> None:
    """Remove apps that an operation installed, with the data of those that had none before.

    Raises `ResolutionError` where another app came to rely on one of them.
    """
    records = await parts.state.load_apps()
    await uninstall(parts, apps, message=message, app=app)
    for name in set(apps).intersection(without_data):
        # Also of an operation that was cancelled: it may have run for hours.
        known = records.get(name)
        kept = keepsake_of(known.package.manifest) if known else await keepsake_by_catalog(parts, name)
        await parts.data.delete(name, kept)


async def release_slots(parts: JobParts, without_data: Collection[str]) -> None:
    """Release the slots of apps that were not installed after all; others may need the ids."""
    installed = await parts.state.load_apps()
    for name in without_data:
        if name not in installed:
            await parts.state.release_slot(name)


async def lacking_data(parts: JobParts, apps: Collection[str]) -> tuple[str, ...]:
    """Return those of some apps of which no data is there, neither of an earlier installation nor of the owner."""
    return tuple(
        [name for name in apps if not await parts.state.has_slot(name) and not await parts.data.has_volumes(name)]
    )


async def keepsake_by_catalog(parts: JobParts, app: str) -> Keepsake:
    """Return what outlives an app of which there is no record any more: only the catalog may still say so."""
    try:
        return keepsake_of((await parts.catalog.read()).package(app).manifest)
    except NodeError:
        return NOTHING_KEPT
