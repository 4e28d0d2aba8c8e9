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


async def keepsake_by_catalog(parts: JobParts, app: str) -> Keepsake:
    """Return what outlives an app of which there is no record any more: only the catalog may still say so."""
    try:
        return keepsake_of((await parts.catalog.read()).package(app).manifest)
    except NodeError:
        return NOTHING_KEPT
