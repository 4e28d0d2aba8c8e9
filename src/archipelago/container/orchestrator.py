"""Carries out what the owner asks for: each request is planned, refused with a reason, or becomes an operation."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from archipelago.catalog.local import LocalCatalog
from archipelago.container.composer import Composer
from archipelago.container.images import ImageStore, Progress
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.scalars import Scalar
from archipelago.container.operations import Operations, Tracker
from archipelago.container.plan import Action, Plan, Request
from archipelago.container.readiness import Readiness
from archipelago.container.reconciler import Reconciler
from archipelago.container.status import Desired, Operation, OperationKind
from archipelago.errors import ErrorCode, NodeError
from archipelago.network.ports import require_free
from archipelago.storage.data import AppData
from archipelago.storage.state import AppRecord, OperationRecord, State

_BUILDS_AT_ONCE = 2


class Orchestrator:
    """Turns requests into operations, and operations into a new desired state."""

    def __init__(
        self,
        state: State,
        catalog: LocalCatalog,
        composer: Composer,
        images: ImageStore,
        reconciler: Reconciler,
        operations: Operations,
        data: AppData,
    ) -> None:
        self._state = state
        self._catalog = catalog
        self._composer = composer
        self._images = images
        self._reconciler = reconciler
        self._operations = operations
        self._data = data
        self._readiness = Readiness(reconciler)
        self._building = asyncio.Semaphore(_BUILDS_AT_ONCE)
        self._deciding = asyncio.Lock()

    # --- requests ---------------------------------------------------------------------------------------------------

    async def plan(self, app: str, options: Mapping[str, object], choices: Mapping[str, str]) -> Plan:
        """Return what installing or updating the app would do, without doing it."""
        return (await self._plan(app, options, choices))[0]

    async def install(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str], *, start: bool
    ) -> Operation:
        """Install an app with all that it needs."""
        async with self._deciding:
            if app in await self._state.load_apps():
                raise NodeError(
                    ErrorCode.ALREADY_INSTALLED,
                    f"{app} is already installed",
                    hint=f"'archipelago status {app}' shows it; 'archipelago config {app}' changes its options",
                )
            plan, given = await self._plan(app, options, choices)
            await require_free(tuple(asked.port for asked in plan.asks.endpoints))
            arguments = {"options": given, "choices": dict(choices), "start": start}
            return await self._open(OperationKind.INSTALL, app, arguments, _touched(plan))

    async def start(self, app: str) -> Operation:
        """Start an app, and those that it cannot do without."""
        async with self._deciding:
            await self._installed(app)
            return await self._open(OperationKind.START, app, {}, frozenset(self._needed_by(app)))

    async def stop(self, app: str) -> Operation:
        """Stop an app; those that cannot do without it stop before it, and come back with it."""
        async with self._deciding:
            await self._installed(app)
            return await self._open(OperationKind.STOP, app, {}, frozenset())

    async def restart(self, app: str) -> Operation:
        """Restart an app's containers, in order."""
        async with self._deciding:
            await self._installed(app)
            if (obstacle := self._reconciler.desired.obstacle(app)) is not None:
                raise NodeError(
                    ErrorCode.NOT_RUNNING,
                    f"{app} does not run: {obstacle}",
                    hint=f"start it with 'archipelago start {app}'",
                )
            return await self._open(OperationKind.RESTART, app, {}, frozenset())

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        """Remove an app; its data stays unless `delete_data`."""
        async with self._deciding:
            await self._installed(app)
            await self._composer.plan(await self._state.load_apps(), Request(remove=(app,)))
            return await self._open(OperationKind.REMOVE, app, {"delete_data": delete_data}, frozenset())

    async def update(self, app: str) -> Operation:
        """Bring an app to the version of the catalog."""
        async with self._deciding:
            record = await self._installed(app)
            package = (await self._catalog.read()).package(app)
            if package.package_digest() == record.package.package_digest():
                raise NodeError(
                    ErrorCode.ALREADY_INSTALLED, f"{app} {package.manifest.version} is what the catalog has"
                )
            plan = await self._composer.plan(
                await self._state.load_apps(), Request(update=(app,)), await self._catalog.read()
            )
            return await self._open(OperationKind.UPDATE, app, {}, _touched(plan))

    async def configure(self, app: str, options: Mapping[str, object], reset: tuple[str, ...]) -> Operation:
        """Change the owner's options of an app; what the change touches restarts, and nothing else."""
        async with self._deciding:
            record = await self._installed(app)
            given = self._composer.check_options(record.package.manifest, options, reset)
            records = dict(await self._state.load_apps())
            records[app] = replace(record, options=_changed(record.options, given, reset))
            plan = await self._composer.plan(records, Request())
            arguments = {"options": given, "reset": list(reset)}
            return await self._open(OperationKind.CONFIGURE, app, arguments, _touched(plan))

    async def cancel(self, operation: str) -> Operation:
        """Cancel a running operation."""
        return await self._operations.cancel(operation)

    async def resume(self) -> None:
        """Take up the operations that a crash cut off."""
        for record in await self._state.unfinished_operations():
            await self._operations.resume(record, frozenset(), self._work(record))

    async def apply(self) -> None:
        """Compile what is installed and have it kept so."""
        self._reconciler.apply(await self._composer.compose(await self._state.load_apps()))

    # --- the work of each kind ----------------------------------------------------------------------------------------

    async def _open(
        self, kind: OperationKind, app: str, arguments: Mapping[str, Any], apps: frozenset[str]
    ) -> Operation:
        return await self._operations.open(kind, app, apps, arguments, self._worker(kind, app, arguments))

    def _work(self, record: OperationRecord) -> Callable[[Tracker], Any]:
        return self._worker(record.view.kind, record.view.app, record.arguments)

    def _worker(self, kind: OperationKind, app: str, arguments: Mapping[str, Any]) -> Callable[[Tracker], Any]:
        async def work(tracker: Tracker) -> None:
            match kind:
                case OperationKind.INSTALL:
                    await self._install(tracker, app, arguments)
                case OperationKind.START:
                    await self._start(tracker, app)
                case OperationKind.STOP:
                    await self._stop(tracker, app)
                case OperationKind.RESTART:
                    await self._restart(tracker, app)
                case OperationKind.REMOVE:
                    await self._remove(tracker, app, delete_data=arguments["delete_data"])
                case OperationKind.UPDATE:
                    await self._update(tracker, app)
                case OperationKind.CONFIGURE:
                    await self._configure(tracker, app, arguments)

        return work

    async def _install(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        before = await self._state.load_apps()
        if app in before:  # a crash came after the plan was kept
            await self._await_ready(tracker, (app,))
            return
        plan, _ = await self._plan(app, arguments["options"], arguments["choices"])
        packages = (await self._catalog.read()).packages
        new = tuple(planned.app for planned in plan.apps if planned.action is Action.INSTALL)
        started = tuple(name for name in new if arguments["start"] or name != app)
        await tracker.steps((*map(_image_step, new), "write the plan down", *map(_start_step, started)))
        await self._fetch(tracker, {name: packages[name] for name in new})
        await tracker.begin("write the plan down")
        slots = {name: await self._state.take_slot(name) for name in new}
        records = []
        for planned in plan.apps:
            if planned.app in before:
                records.append(_bound(before[planned.app], plan))
                continue
            target = planned.app == app
            record = AppRecord(
                app=planned.app,
                package=packages[planned.app],
                desired=Desired.RUNNING if arguments["start"] or not target else Desired.STOPPED,
                slot=slots[planned.app],
                options=arguments["options"] if target else {},
                installed_at=time.time(),
            )
            records.append(_bound(record, plan))
        await self._keep(tuple(records), message=f"{', '.join(new)} installed", app=app)
        await tracker.finish("write the plan down")
        try:
            touched = tuple(planned.app for planned in plan.apps if planned.action is not Action.REUSE)
            await self._await_ready(tracker, tuple(name for name in touched if name in started or name in before))
        except asyncio.CancelledError:
            if asyncio.current_task() is not None and not self._operations.closing:
                await self._undo_install(before, new, message=f"installation of {app} cancelled")
            raise

    async def _undo_install(self, before: Mapping[str, AppRecord], new: tuple[str, ...], message: str) -> None:
        """Bring back what was there before; data directories that are new go again."""
        await self._keep(tuple(before.values()), remove=new, message=message)
        await self._reconciler.changed.until(lambda: all(self._reconciler.is_gone(name) for name in new))
        for name in new:
            await self._data.delete(name)

    async def _start(self, tracker: Tracker, app: str) -> None:
        records = await self._state.load_apps()
        needed = self._needed_by(app)
        await tracker.steps(tuple(map(_start_step, needed)))
        stopped = [records[name] for name in needed if records[name].desired is Desired.STOPPED]
        changed = tuple(replace(record, desired=Desired.RUNNING) for record in stopped)
        await self._keep(changed, message=f"{', '.join(needed)} to be started", app=app)
        await self._await_ready(tracker, needed)

    async def _stop(self, tracker: Tracker, app: str) -> None:
        records = await self._state.load_apps()
        affected = self._needing(app)
        await tracker.steps(tuple(map(_stop_step, affected)))
        await self._keep((replace(records[app], desired=Desired.STOPPED),), message=f"{app} to be stopped", app=app)

        async def one(name: str) -> None:
            await tracker.begin(_stop_step(name))
            await self._reconciler.changed.until(lambda: self._reconciler.is_down(name))
            await tracker.finish(_stop_step(name))

        await asyncio.gather(*map(one, affected))

    async def _restart(self, tracker: Tracker, app: str) -> None:
        await tracker.steps((_stop_step(app), _start_step(app)))
        await tracker.begin(_stop_step(app))
        await self._reconciler.restart(app)
        await tracker.finish(_stop_step(app))
        await self._await_ready(tracker, (app,))

    async def _remove(self, tracker: Tracker, app: str, *, delete_data: bool) -> None:
        records = dict(await self._state.load_apps())
        stop, delete = _stop_step(app), f"delete the data of {app}"
        await tracker.steps((stop, delete) if delete_data else (stop,))
        await tracker.begin(stop)
        if app in records:
            del records[app]
            plan = await self._composer.plan(records, Request())
            changed = tuple(replace(record, choices=plan.choices(name)) for name, record in records.items())
            kept = "" if delete_data else "; its data stays"
            await self._keep(changed, remove=(app,), message=f"{app} removed{kept}", app=app)
        await self._reconciler.changed.until(lambda: self._reconciler.is_gone(app))
        await self._reconciler.sweep()
        await tracker.finish(stop)
        if delete_data:
            await tracker.begin(delete)
            await self._data.delete(app)
            await tracker.finish(delete)
        await self._prune_images()

    async def _update(self, tracker: Tracker, app: str) -> None:
        records = await self._state.load_apps()
        catalog = await self._catalog.read()
        plan = await self._composer.plan(records, Request(update=(app,)), catalog)
        packages = {
            planned.app: catalog.package(planned.app)
            for planned in plan.apps
            if planned.action in (Action.UPDATE, Action.INSTALL)
        }
        touched = tuple(planned.app for planned in plan.apps if planned.action is not Action.REUSE)
        await tracker.steps((*map(_image_step, packages), "write the plan down", *map(_start_step, touched)))
        await self._fetch(tracker, packages)
        await tracker.begin("write the plan down")
        changed = []
        for planned in plan.apps:
            if planned.app in records:
                record = records[planned.app]
                record = replace(record, package=packages.get(planned.app, record.package))
            else:
                record = AppRecord(
                    app=planned.app,
                    package=packages[planned.app],
                    desired=Desired.RUNNING,
                    slot=await self._state.take_slot(planned.app),
                    installed_at=time.time(),
                )
            changed.append(_bound(record, plan))
        version = packages[app].manifest.version if app in packages else records[app].package.manifest.version
        await self._keep(tuple(changed), message=f"{app} updated to {version}", app=app)
        await tracker.finish("write the plan down")
        await self._await_ready(tracker, touched)
        await self._prune_images()

    async def _configure(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        records = dict(await self._state.load_apps())
        record = records[app]
        hashes = {name: found.workload.hash for name, found in self._reconciler.desired.apps.items()}
        options = _changed(record.options, arguments["options"], tuple(arguments["reset"]))
        await self._keep((replace(record, options=options),), message=f"options of {app} changed", app=app)
        desired = self._reconciler.desired.apps
        touched = tuple(name for name, found in desired.items() if hashes.get(name) != found.workload.hash)
        await tracker.steps(tuple(map(_start_step, touched)))
        await self._await_ready(tracker, touched)

    # --- shared steps -------------------------------------------------------------------------------------------------

    async def _plan(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str]
    ) -> tuple[Plan, dict[str, Scalar]]:
        catalog = await self._catalog.read()
        package = catalog.package(app)
        given = self._composer.check_options(package.manifest, options, ())
        records = await self._state.load_apps()
        if app in records:
            request = Request(update=(app,), choices=choices, options={app: given})
        else:
            request = Request(install=(app,), choices=choices, options={app: given})
        return await self._composer.plan(records, request, catalog), given

    async def _fetch(self, tracker: Tracker, packages: Mapping[str, AppPackage]) -> None:
        async def one(app: str, package: AppPackage) -> None:
            step = _image_step(app)
            async with self._building:
                await tracker.begin(step)
                news: asyncio.Queue[Progress | None] = asyncio.Queue()
                teller = asyncio.create_task(_tell(tracker, step, news))
                try:
                    for container in package.manifest.containers:
                        await self._images.ensure(package, container, news.put_nowait)
                finally:
                    news.put_nowait(None)
                    await teller
                await tracker.finish(step)

        async with _FirstError(), asyncio.TaskGroup() as group:
            for app, package in packages.items():
                group.create_task(one(app, package))

    async def _keep(
        self, records: tuple[AppRecord, ...], *, message: str, remove: tuple[str, ...] = (), app: str | None = None
    ) -> None:
        """Compile the new state first, so that nothing is kept that cannot be carried out; then keep and apply it."""
        after = {**await self._state.load_apps(), **{record.app: record for record in records}}
        for name in remove:
            after.pop(name, None)
        desired = await self._composer.compose(after)
        await self._state.save(records, remove=remove, message=message, app=app)
        self._reconciler.apply(desired)

    async def _await_ready(self, tracker: Tracker, apps: tuple[str, ...]) -> None:
        await self._reconciler.settled(apps)

        async def one(app: str) -> None:
            await tracker.begin(_start_step(app))

            async def told(detail: str) -> None:
                await tracker.progress(_start_step(app), None, detail)

            detail = await self._readiness.wait(app, told)
            await tracker.finish(_start_step(app), detail)

        async with _FirstError(), asyncio.TaskGroup() as group:
            for app in apps:
                if self._reconciler.desired.wanted(app):
                    group.create_task(one(app))
                else:
                    await tracker.finish(_start_step(app), self._reconciler.desired.obstacle(app) or "")

    async def _prune_images(self) -> None:
        records = await self._state.load_apps()
        keep = {
            self._images.reference(record.package, container)
            for record in records.values()
            for container in record.package.manifest.containers
        }
        await self._images.prune(keep)

    async def _installed(self, app: str) -> AppRecord:
        records = await self._state.load_apps()
        if app not in records:
            (await self._catalog.read()).package(app)  # an unknown name gets its own error, with the nearest names
            raise NodeError(
                ErrorCode.NOT_INSTALLED,
                f"{app} is not installed",
                hint=f"install it with 'archipelago install {app}'",
                data={"app": app},
            )
        return records[app]

    def _needed_by(self, app: str) -> tuple[str, ...]:
        """Return the app and all that it cannot do without, providers first."""
        found: dict[str, None] = {}
        for edge in self._reconciler.desired.providers(app):
            if not edge.optional:
                found.update(dict.fromkeys(self._needed_by(edge.provider)))
        found[app] = None
        return tuple(found)

    def _needing(self, app: str) -> tuple[str, ...]:
        """Return the app and all that cannot do without it, dependents first."""
        found: dict[str, None] = {}
        for edge in self._reconciler.desired.dependents(app):
            if not edge.optional:
                found.update(dict.fromkeys(self._needing(edge.consumer)))
        found[app] = None
        return tuple(found)


class _FirstError:
    """Unwrap the exception group of a task group: one cause is what an owner can act on."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BaseExceptionGroup):
            raise error.exceptions[0] from None


async def _tell(tracker: Tracker, step: str, news: "asyncio.Queue[Progress | None]") -> None:
    while (progress := await news.get()) is not None:
        await tracker.progress(step, progress.percent, progress.text)


def _bound(record: AppRecord, plan: Plan) -> AppRecord:
    return replace(record, choices=plan.choices(record.app), ports=plan.endpoint_ports(record.app))


def _touched(plan: Plan) -> frozenset[str]:
    return frozenset(planned.app for planned in plan.apps if planned.action is not Action.REUSE)


def _changed(options: Mapping[str, Scalar], given: Mapping[str, Scalar], reset: tuple[str, ...]) -> dict[str, Scalar]:
    return {key: value for key, value in {**options, **given}.items() if key not in reset}


def _image_step(app: str) -> str:
    return f"image of {app}"


def _start_step(app: str) -> str:
    return f"start {app}"


def _stop_step(app: str) -> str:
    return f"stop {app}"
