"""The repairs that apps declare: what is offered when, what each would do, and the order to do it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from archipelago.api.health import Health, HealthState
from archipelago.api.repairs import RepairPreview, RepairView
from archipelago.container.data.data_classes import AppendProofVolume, RebuildableVolume, app_volumes, funds_volumes
from archipelago.container.data.stream_copies import copies_in, is_whole
from archipelago.container.desired.installed_apps import installed
from archipelago.container.desired.state import DesiredApp
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.on_disk import Repair
from archipelago.container.proposals.disk_rules import rendered_paths
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.container.reconciler.repair_order import CopiesReturn, FileChange, RepairOrder
from archipelago.container.workload.templates.renderer import Renderer
from archipelago.container.workload.workload import VolumeDirectory
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.layout import Layout
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import joined, msg

_FINE = (HealthState.HEALTHY, HealthState.SYNCING, HealthState.STOPPING, HealthState.STOPPED)


def repair_views(manifest: AppManifest, healths: Mapping[str, Health]) -> tuple[RepairView, ...]:
    """Return the repairs of an app, those first that its failure suggests."""
    said = [text for health in healths.values() for text in _said(health)]
    views = [
        RepairView(
            repair=name,
            label=repair.label,
            description=repair.description,
            suggested=any(sign in text for sign in repair.signs for text in said),
        )
        for name, repair in manifest.repairs.items()
    ]
    return tuple(sorted(views, key=lambda view: not view.suggested))


def _said(health: Health) -> tuple[str, ...]:
    """Return what an app that fails said of it; what it said before it was well again counts no longer."""
    if health.state in _FINE:
        return ()
    failure = health.failure
    return (health.reason, *((failure.reason, *failure.logs) if failure is not None else ()))


@dataclass(frozen=True, slots=True)
class Repairs:
    """Knows the repairs of the installed apps, and changes nothing."""

    reconciler: Reconciler
    renderer: Renderer
    layout: Layout
    now: Callable[[], datetime]

    async def order(self, app: str, repair: str) -> RepairOrder:
        """Return what is to be done. Raises `NodeError` where the app has no such repair."""
        found = installed(self.reconciler.desired.apps, app)
        declared = _declared(found.record.package.manifest, repair)
        if found.problem:
            raise NodeError(
                ErrorCode.NOT_RUNNING,
                msg("{app} cannot be repaired: {problem}", app=app, problem=found.problem),
                hint=msg("update or remove it: 'archipelago update {app}'", app=app),
            )
        return await asyncio.to_thread(self._order, found, repair, declared)

    async def preview(self, app: str, repair: str) -> RepairPreview:
        """Return what a repair would do. Raises `NodeError`."""
        order = await self.order(app, repair)
        record = self.reconciler.desired.apps[app].record
        touched = {each.volume for each in order.files} | {each.volume for each in order.copies}
        return RepairPreview(
            app=app,
            repair=repair,
            label=order.label,
            description=record.package.manifest.repairs[repair].description,
            effects=effects(order),
            funds=not touched.isdisjoint(funds_volumes(record)),
            used_by=tuple(sorted({edge.consumer for edge in self.reconciler.desired.dependents(app)})),
        )

    def suggested(self, error: NodeError) -> NodeError:
        """Return the error of an app that does not come up, with the repair in its hint that may help."""
        app = str(error.data.get("app", ""))
        found = self.reconciler.desired.apps.get(app)
        manifest = found.record.package.manifest if found is not None else None
        for view in repair_views(manifest, self.reconciler.container_healths(app)) if manifest is not None else ():
            if view.suggested:
                hint = msg(
                    "{hint}; 'archipelago repair {app} {repair}' may help: {label}",
                    hint=error.hint,
                    app=app,
                    repair=view.repair,
                    label=view.label,
                )
                return NodeError(error.code, error.message, hint=hint, data={**error.data, "repair": view.repair})
        return error

    def _order(self, found: DesiredApp, name: str, repair: Repair) -> RepairOrder:
        app = found.record.app
        planned = self.reconciler.desired.plan.planned(app)
        options = planned.options if planned is not None else {}
        manifest = found.record.package.manifest
        volumes = {PurePath(each.path).name: each for each in found.workload.volumes}
        directories = {name: each.used for name, each in volumes.items()}
        _require_rebuildable(found.record, repair)
        suffix = self.now().strftime("aside-%Y%m%dT%H%M%SZ")
        files = [
            FileChange(volume, directories[volume], names, suffix if part == "set_aside" else None)
            for part, paths in (("set_aside", repair.set_aside), ("discard", repair.discard))
            for volume, texts in paths.items()
            for names in rendered_paths(manifest, f"repairs.{name}.{part}.{volume}", texts, options, self.renderer)
        ]
        if any(each.suffix is not None and not each.names for each in files):
            raise NodeError(
                ErrorCode.INVALID_MANIFEST,
                msg("apps/{app}: repairs.{repair}: a whole volume cannot be set aside", app=app, repair=name),
                hint=msg("the app's author must name what is in it"),
            )
        copies = [
            self._copies(found.record, volumes[volume], volume, names)
            for volume, text in repair.copies.items()
            for names in rendered_paths(manifest, f"repairs.{name}.copies.{volume}", (text,), options, self.renderer)
        ]
        return RepairOrder(name, repair.label, tuple(files), dict(repair.arguments), tuple(copies))

    def _copies(self, record: AppRecord, volume: VolumeDirectory, name: str, names: tuple[str, ...]) -> CopiesReturn:
        """Return the copies that are whole. Raises `NodeError` where there is none."""
        app, proofs = record.app, {each.name for each in app_volumes(record) if isinstance(each, AppendProofVolume)}
        kept = self.layout.app(app).streams / (name if volume.part is None else f"{name}.{volume.part}")
        whole = tuple(kept / each.name for each in copies_in(kept) if is_whole(kept / each.name, each))
        if not whole or name not in proofs:
            raise NodeError(
                ErrorCode.DATA_MISSING,
                msg("there is no copy of what {app} had in its volume {volume}", app=app, volume=name),
                hint=msg("'archipelago backup restore {app}' brings those of a backup target to this machine", app=app),
            )
        return CopiesReturn(name, volume.used, names, whole)


def _require_rebuildable(record: AppRecord, repair: Repair) -> None:
    """Raise `NodeError` where a repair deletes what the app makes again only by the word of its newest version."""
    rebuildable = {each.name for each in app_volumes(record) if isinstance(each, RebuildableVolume)}
    if kept := sorted(repair.discard.keys() - rebuildable):
        raise NodeError(
            ErrorCode.FORBIDDEN,
            msg(
                "this repair of {app} deletes from {volumes}, of which an earlier version said that nothing makes it "
                "again",
                app=record.app,
                volumes=joined(kept, ", "),
            ),
            hint=msg("back it up and remove the app with its data, or ask the app's author for another repair"),
            data={"app": record.app, "volumes": kept},
        )


def effects(order: RepairOrder) -> tuple[str, ...]:
    """Return what an order does, as sentences."""
    sentences = [msg("the app is stopped")]
    for each in order.files:
        what = each.where or msg("everything")
        if each.suffix is None:
            sentences.append(msg("{what} in volume {volume} is deleted", what=what, volume=each.volume))
        else:
            sentences.append(
                msg(
                    "{what} in volume {volume} is kept as {where}.{suffix}, and not used",
                    what=what,
                    volume=each.volume,
                    where=each.where,
                    suffix=each.suffix,
                )
            )
    for one in order.copies:
        sentences.append(
            msg(
                "{count} copies that the node has kept are put into {where} in volume {volume}",
                count=len(one.copies),
                where=one.where,
                volume=one.volume,
            )
        )
    for container, arguments in order.arguments.items():
        sentences.append(
            msg("{container} starts once with {arguments}", container=container, arguments=" ".join(arguments))
        )
    return (*sentences, msg("the app is started")) if not order.arguments else tuple(sentences)


def _declared(manifest: AppManifest, repair: str) -> Repair:
    if repair in manifest.repairs:
        return manifest.repairs[repair]
    known = ", ".join(manifest.repairs)
    raise NodeError(
        ErrorCode.INVALID_VALUE,
        msg("{app} has no repair {repair}", app=manifest.id, repair=f"{repair[:60]!r}"),
        hint=msg("it has {known}", known=known) if known else msg("it declares none"),
        data={"app": manifest.id, "repairs": list(manifest.repairs)},
    )
