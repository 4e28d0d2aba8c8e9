"""The work of each kind of operation, from what was asked to apps that run, or are gone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from archipelago.api.health import HealthState
from archipelago.api.operations import OperationKind
from archipelago.catalog.source import Catalog, CatalogSource
from archipelago.container.data.kept import NOTHING_KEPT, Keepsake, keepsake_of
from archipelago.container.data.volumes import AppData
from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.plan import Action, Plan, Request
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.state import DesiredState
from archipelago.container.images.inventory import ImageInventory
from archipelago.container.images.pruner import ImagePruner
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.exposure import kept_switches, require_switch
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.image_fetcher import ImageFetcher, image_step
from archipelago.container.operations.operations import Operations, Tracker, Work
from archipelago.container.operations.option_change import OptionChange, changed_options, start_step
from archipelago.container.operations.readiness import Readiness
from archipelago.container.operations.repairs import Repairs
from archipelago.container.operations.warm_up import past_warm_up
from archipelago.container.proposals.disk_rules import DiskRules
from archipelago.container.proposals.proposal import Proposal
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.records.operations import OperationState
from archipelago.storage.stores.state import State
from archipelago.support.first_error import FirstError

_PLAN_STEP = "write the plan down"
_WORKING = (HealthState.HEALTHY, HealthState.SYNCING)

Records = dict[str, AppRecord]


class Lifecycle:
    """Installs, starts, stops, restarts, removes, updates and configures apps.

    Work on different apps goes on side by side. Whatever changes the records reads them, decides and writes within one
    turn (`_change`), so no operation puts back what another one has changed meanwhile.
    """

    def __init__(
        self,
        state: State,
        catalog: CatalogSource,
        composer: Composer,
        images: ImageStore,
        pruner: ImagePruner,
        reconciler: Reconciler,
        operations: Operations,
        data: AppData,
        secrets: AppSecrets,
        inventory: ImageInventory,
        disk_rules: DiskRules,
        repairs: Repairs,
    ) -> None:
        self._state = state
        self._catalog = catalog
        self._composer = composer
        self._pruner = pruner
        self._reconciler = reconciler
        self._operations = operations
        self._data = data
        self._secrets = secrets
        self._inventory = inventory
        self._disk_rules = disk_rules
        self._repairs = repairs
        self._readiness = Readiness(reconciler)
        self._fetcher = ImageFetcher(images, inventory)
        self._changing = asyncio.Lock()
        self._option_change = OptionChange(
            reconciler, self._readiness, self._change, self._await_ready, self._undone_if_cancelled
        )

    def work(self, kind: OperationKind, app: str, arguments: Mapping[str, Any]) -> Work:
        """Return the work of one operation; after a crash it may be done again from its beginning."""

        async def work(tracker: Tracker) -> None:
            match kind:
                case OperationKind.INSTALL:
                    await self._install(tracker, app, arguments)
                case OperationKind.START:
                    await self._start(tracker, app, arguments)
                case OperationKind.STOP:
                    await self._stop(tracker, app, arguments)
                case OperationKind.RESTART:
                    await self._restart(tracker, app)
                case OperationKind.REMOVE:
                    await self._remove(tracker, app, arguments)
                case OperationKind.UPDATE:
                    await self._update(tracker, app, arguments)
                case OperationKind.CONFIGURE:
                    await self._option_change.carry_out(tracker, app, arguments)
                case OperationKind.SECRETS:
                    await self._renew_secrets(tracker, app, arguments)
                case OperationKind.REPAIR:
                    await self._repair(tracker, app, arguments["repair"])

        return work

    async def apply(self) -> None:
        """Compile what is installed and have it kept so."""
        async with self._changing:
            records = await self._state.load_apps()
            # One app of which something is wrong must not keep the node from its start.
            self._reconciler.apply(await self._composer.compose(records, records))

    async def plan(self, app: str, options: Mapping[str, object], choices: Mapping[str, str]) -> Proposal:
        """Return the plan of installing or updating an app, with all that it brings."""
        catalog = await self._catalog.read()
        package = catalog.package(app)
        given = self._composer.check_options(package.manifest, options, ())
        records = await self._state.load_apps()
        if app in records:
            request = Request(update=(app,), choices=choices, options={app: given})
        else:
            request = Request(install=(app,), choices=choices, options={app: given})
        return await self._proposal(records, request, catalog, given, app)

    async def plan_update(self, app: str) -> Proposal:
        """Return the plan of bringing an installed app to the version of the catalog."""
        catalog = await self._catalog.read()
        catalog.package(app)  # raises what is wrong with it
        return await self._proposal(await self._state.load_apps(), Request(update=(app,)), catalog, {}, app)

    async def _proposal(
        self, records: Records, request: Request, catalog: Catalog, given: Mapping[str, Scalar], app: str
    ) -> Proposal:
        proposal = Proposal.of(await self._composer.plan(records, request, catalog), catalog.packages, given, app)
        kept = {name: record.package for name, record in records.items()}
        await self._require_disk(proposal.plan, {**kept, **proposal.packages})
        return proposal

    async def _require_disk(self, plan: Plan, packages: Mapping[str, AppPackage]) -> None:
        manifests = {name: package.manifest for name, package in packages.items()}
        await self._disk_rules.require(plan, manifests, self._reconciler.desired.plan)

    async def try_out(self, app: str, given: Mapping[str, Scalar], reset: tuple[str, ...]) -> DesiredState:
        """Return what would be desired with other options of an app. Raises `NodeError`."""
        # In turn as well: to compile makes the secrets of an app, which must not happen while it is removed.
        async with self._changing:
            records = await self._state.load_apps()
            if app not in records:
                raise NodeError(ErrorCode.NOT_INSTALLED, f"{app} is not installed any more", data={"app": app})
            options = changed_options(records[app].options, given, reset)
            tolerated = self._reconciler.desired.broken - {app}
            changed = {**records, app: replace(records[app], options=options)}
            desired = await self._composer.compose(changed, tolerated)
            await self._require_disk(desired.plan, {name: record.package for name, record in records.items()})
            return desired

    def worked(self, apps: Iterable[str]) -> list[str]:
        """Return those of these apps that do their work now."""
        return [name for name in apps if self._reconciler.health(name).state in _WORKING]

    async def set_open(self, app: str, endpoint: str, *, opened: bool) -> None:
        """Have an endpoint open or closed to the local network from now on. Raises `NodeError`."""

        async def decide(records: Records) -> Records:
            if app not in records:
                raise NodeError(ErrorCode.NOT_INSTALLED, f"{app} is not installed any more", data={"app": app})
            record = records[app]
            require_switch(app, record.package.manifest.endpoints, endpoint, record.ports, opened=opened)
            return {app: replace(record, lan={**record.lan, endpoint: opened})}

        way = "opened to the local network" if opened else "closed to the local network"
        await self._change(decide, tolerant=True, message=f"{endpoint} of {app} {way}", app=app)

    # --- the work of each kind --------------------------------------------------------------------------------------

    async def _install(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        if app in await self._state.load_apps():  # a crash came after the plan was kept
            await self._await_ready(tracker, (app,))
            return
        proposal = await self.plan(app, arguments["options"], arguments["choices"])
        proposal.require(arguments)
        plan, packages = proposal.plan, proposal.packages
        new = tuple(planned.app for planned in plan.apps if planned.action is Action.INSTALL)
        started = tuple(name for name in new if arguments["start"] or name != app)
        await tracker.steps((*map(image_step, new), _PLAN_STEP, *map(start_step, started)))
        without_data = [name for name in new if not await self._has_data(name)]

        async def decide(records: Records) -> Records:
            nonlocal plan
            now = await self.plan(app, arguments["options"], arguments["choices"])
            now.require(proposal.kept)
            plan = now.plan
            desired = Desired.RUNNING if arguments["start"] else Desired.STOPPED
            return await self._planned(plan, records, packages, app, now.options, desired)

        async with self._undone_if_cancelled(lambda: self._undo_install(app, new, without_data, packages)):
            async with self._fetcher.fetched(tracker, packages):
                await tracker.begin(_PLAN_STEP)
                try:
                    await self._change(decide, message=f"{', '.join(new)} installed", app=app)
                except NodeError:
                    await self._give_up(without_data)
                    raise
            await tracker.finish(_PLAN_STEP)
            await self._await_ready(
                tracker, tuple(name for name in _touched(plan) if name in started or name not in new)
            )

    async def _has_data(self, app: str) -> bool:
        """Tell whether data of an app may be there, of an earlier installation or brought by the owner."""
        return await self._state.has_slot(app) or await self._data.has_volumes(app)

    async def _undo_install(
        self, app: str, new: tuple[str, ...], without_data: list[str], packages: Mapping[str, AppPackage]
    ) -> None:
        """Remove what was installed; only data that this installation made goes with it."""
        message = f"installation of {app} cancelled"
        try:
            await self._take_out(new, message, app)
        except ResolutionError:
            # Meanwhile another app came to rely on what was installed along with this one.
            new = (app,)
            await self._take_out(new, message, app)
        for name in set(new) & set(without_data):
            # Also of an installation that was cancelled: it may have run for hours.
            await self._data.delete(name, keepsake_of(packages[name].manifest))

    async def _give_up(self, apps: list[str]) -> None:
        """Have apps take no room that were never installed; others may need the ids that they were given."""
        installed = await self._state.load_apps()
        for name in apps:
            if name not in installed:
                await self._state.release_slot(name)

    async def _start(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        stopped: list[str] = arguments["stopped"]
        needed = self._reconciler.desired.needed_by(app)
        await tracker.steps(tuple(map(start_step, needed)))
        undo = self._desire(stopped, Desired.STOPPED, f"start of {app} cancelled", app)
        async with self._undone_if_cancelled(undo):
            self._reconciler.try_again(needed)
            # All of them: one may have been stopped since the request.
            await self._desire(list(needed), Desired.RUNNING, f"{', '.join(needed)} to be started", app)()
            await self._await_ready(tracker, needed)

    async def _stop(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        affected = self._reconciler.desired.needing(app)
        await tracker.steps(tuple(map(_stop_step, affected)))

        async def one(name: str) -> None:
            await tracker.begin(_stop_step(name))
            await self._reconciler.changed.until(lambda: self._reconciler.is_down(name))
            await tracker.finish(_stop_step(name))

        undo = self._desire([app], Desired(arguments["desired"]), f"stop of {app} cancelled", app)
        async with self._undone_if_cancelled(undo):
            await self._desire([app], Desired.STOPPED, f"{app} to be stopped", app)()
            await asyncio.gather(*map(one, affected))

    async def _restart(self, tracker: Tracker, app: str) -> None:
        await tracker.steps((_stop_step(app), start_step(app)))
        await tracker.commit()
        await tracker.begin(_stop_step(app))
        await self._reconciler.restart(app)
        await tracker.finish(_stop_step(app))
        await self._await_ready(tracker, (app,))

    async def _remove(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        delete_data = arguments["delete_data"]
        record = (await self._state.load_apps()).get(app)
        if record is not None and not delete_data:
            await self._pruner.keep(record.package)
        stop, delete = _stop_step(app), f"delete the data of {app}"
        await tracker.steps((stop, delete) if delete_data else (stop,))
        await tracker.commit()
        await tracker.begin(stop)
        if record is None:
            # A crash came after it was taken out, and its containers may run on: only a keeper that looks knows.
            self._reconciler.look_again(app)
        kept = "" if delete_data else "; its data stays"
        await self._take_out((app,), f"{app} removed{kept}", app)
        await self._reconciler.sweep()
        await tracker.finish(stop)
        if delete_data:
            await tracker.begin(delete)
            await self._data.delete(app, await self._keepsake(app, arguments))
            await tracker.finish(delete)
        await self._inventory.forget(app)
        self._pruner.want()

    async def _keepsake(self, app: str, arguments: Mapping[str, Any]) -> Keepsake:
        """Return what a removal keeps, as taken down when it was opened: the manifest is gone once the app is out."""
        if (told := arguments.get("keepsake")) is not None:
            return Keepsake(**told)
        # An earlier version opened it, which kept nothing; only the catalog may still say what are keys to money.
        try:
            return keepsake_of((await self._catalog.read()).package(app).manifest)
        except NodeError:
            return NOTHING_KEPT

    async def _update(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        proposal = await self.plan_update(app)
        if not proposal.packages:  # a crash came after the plan was kept
            await self._await_ready(tracker, (app,))
            self._pruner.want()
            return
        proposal.require(arguments)
        packages, touched = proposal.packages, _touched(proposal.plan)
        await tracker.steps((*map(image_step, packages), _PLAN_STEP, *map(start_step, touched)))

        async def decide(records: Records) -> Records:
            now = await self.plan_update(app)
            now.require(proposal.kept)
            return await self._planned(now.plan, records, packages)

        version = packages[app].manifest.version if app in packages else ""
        async with self._fetcher.fetched(tracker, packages):
            # From here on the new version may change the app's data in a way that the old one cannot read.
            await tracker.commit()
            await tracker.begin(_PLAN_STEP)
            await self._change(decide, message=f"{app} updated to {version}", app=app)
        await tracker.finish(_PLAN_STEP)
        try:
            await self._await_ready(tracker, touched)
        finally:
            self._pruner.want()

    async def _renew_secrets(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        hashes = self._reconciler.desired.hashes
        await tracker.commit()  # what was replaced cannot be brought back
        async with self._changing:
            records = await self._state.load_apps()
            try:
                ticket = arguments.get("ticket", "") if arguments["given"] else None
                await self._secrets.change(records[app], arguments["names"], ticket=ticket)
            finally:
                # Also where a full disk let only some of them be written.
                self._reconciler.apply(await self._composer.compose(records, records))
        touched = self._reconciler.desired.touched_since(hashes)
        await tracker.steps(tuple(map(start_step, touched)))
        await self._await_ready(tracker, touched)

    async def _repair(self, tracker: Tracker, app: str, repair: str) -> None:
        step, start = f"repair {app}", start_step(app)
        carried_out = any(each.name == step and each.state is OperationState.DONE for each in tracker.record.steps)
        if not carried_out:  # a crash may have come after it, and what it did need not be done twice
            await tracker.steps((step, start))
            await tracker.commit()
            order = await self._repairs.order(app, repair)
            await tracker.begin(step, order.label)
            await self._reconciler.repair(app, order)
            await tracker.finish(step)
        await self._await_ready(tracker, (app,))

    # --- changes of what is desired ---------------------------------------------------------------------------------

    async def _change(
        self,
        decide: Callable[[Records], Awaitable[Records]],
        *,
        remove: tuple[str, ...] = (),
        tolerant: bool = False,
        message: str,
        app: str,
    ) -> None:
        """Have `decide` turn the records into those that change; compile, keep and apply them.

        Compiled first, so that nothing is kept that cannot be carried out. `tolerant` is for what must be possible
        whatever the templates of an app say about it.
        """
        async with self._changing:
            records = await self._state.load_apps()
            left = {name: record for name, record in records.items() if name not in remove}
            wanted = await decide(left)
            changed = {name: record for name, record in wanted.items() if records.get(name) != record}
            # What was broken before is not the fault of this change.
            tolerated = records.keys() if tolerant else self._reconciler.desired.broken - changed.keys()
            desired = await self._composer.compose({**left, **changed}, tolerated)
            if not tolerant:
                await self._require_disk(
                    desired.plan, {name: each.record.package for name, each in desired.apps.items()}
                )
            await self._state.save(tuple(changed.values()), remove=remove, message=message, app=app)
            self._reconciler.apply(desired)

    async def _planned(
        self,
        plan: Plan,
        records: Records,
        packages: Mapping[str, AppPackage],
        target: str = "",
        options: Mapping[str, Scalar] | None = None,
        desired: Desired = Desired.RUNNING,
    ) -> Records:
        """Return the records of a plan; the images of `packages` are here, and `target` is the app that was asked for.

        Raises `NodeError` when others have changed so much meanwhile that the plan needs more than these packages.
        """
        found = {}
        for planned in plan.apps:
            name = planned.app
            if planned.action in (Action.INSTALL, Action.UPDATE) and name not in packages:
                raise NodeError(
                    ErrorCode.BUSY,
                    f"what is installed was changed meanwhile, so that {name} is needed as well",
                    hint="try again",
                )
            record = records.get(name)
            if record is None:
                record = AppRecord(
                    app=name,
                    package=packages[name],
                    desired=desired if name == target else Desired.RUNNING,
                    slot=await self._state.take_slot(name),
                    options=dict(options or {}) if name == target else {},
                    installed_at=time.time(),
                )
            record = with_package(record, packages.get(name, record.package))
            found[name] = replace(record, choices=plan.choices(name), ports=plan.endpoint_ports(name))
        return found

    async def _take_out(self, apps: tuple[str, ...], message: str, app: str) -> None:
        """Have apps be no longer installed, and return when nothing of them runs. Raises `ResolutionError`."""

        async def rebind(records: Records) -> Records:
            plan = await self._composer.plan(records, Request())
            return {name: replace(record, choices=plan.choices(name)) for name, record in records.items()}

        if not set(apps).isdisjoint(await self._state.load_apps()):
            await self._change(rebind, remove=apps, tolerant=True, message=message, app=app)
        await self._reconciler.changed.until(lambda: all(map(self._reconciler.is_gone, apps)))
        for name in apps:
            await self._data.forget_logs(name)

    def _desire(self, apps: list[str], desired: Desired, message: str, app: str) -> Callable[[], Awaitable[None]]:
        async def decide(records: Records) -> Records:
            return {name: replace(records[name], desired=desired) for name in apps if name in records}

        async def change() -> None:
            await self._change(decide, tolerant=True, message=message, app=app)

        return change

    @contextlib.asynccontextmanager
    async def _undone_if_cancelled(self, undo: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Undo when the owner cancels; a shutdown only interrupts, and the operation is taken up again later."""
        try:
            yield
        except asyncio.CancelledError:
            if not self._operations.closing:
                await undo()
            raise

    # --- shared steps -----------------------------------------------------------------------------------------------

    async def _await_ready(self, tracker: Tracker, apps: tuple[str, ...]) -> None:
        await self._reconciler.settled(apps)

        async def one(app: str) -> None:
            await tracker.begin(start_step(app))

            async def told(detail: str) -> None:
                await tracker.progress(start_step(app), None, detail)

            try:
                detail = await past_warm_up(self._reconciler, app, lambda: self._readiness.wait(app, told))
            except NodeError as error:
                raise self._repairs.suggested(error) from error
            await tracker.finish(start_step(app), detail)

        async with FirstError(), asyncio.TaskGroup() as group:
            for app in apps:
                if self._reconciler.desired.wanted(app):
                    group.create_task(one(app))
                else:
                    await tracker.finish(start_step(app), self._reconciler.desired.obstacle(app) or "")


def with_package(record: AppRecord, package: AppPackage) -> AppRecord:
    """Return the record of an app that has another package from now on."""
    lan = kept_switches(record.lan, record.package.manifest.endpoints, package.manifest.endpoints)
    return replace(record, package=package, lan=lan)


def _touched(plan: Plan) -> tuple[str, ...]:
    return tuple(planned.app for planned in plan.apps if planned.action is not Action.REUSE)


def _stop_step(app: str) -> str:
    return f"stop {app}"
