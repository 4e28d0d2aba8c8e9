"""Takes what the owner asks for: each request is planned, refused with a reason, or becomes an operation."""

import asyncio
from collections.abc import Collection, Mapping

from archipelago.api.apps import Change, ChangePreview
from archipelago.api.configuration import ConfigPreview, ConfigRevision, SettingChange
from archipelago.api.health import WORKING
from archipelago.api.operations import Operation
from archipelago.api.repairs import RepairPreview
from archipelago.api.security import SecretView
from archipelago.container.dependency_resolver.plan import Action, Plan, Request
from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.operations import revisions as config_history
from archipelago.container.operations.changes.updates_first import updated_by
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.configure import ConfigureJob
from archipelago.container.operations.jobs.install import InstallJob
from archipelago.container.operations.jobs.remove import RemoveJob
from archipelago.container.operations.jobs.repair import RepairJob
from archipelago.container.operations.jobs.restart import RestartJob
from archipelago.container.operations.jobs.secrets import SecretsJob
from archipelago.container.operations.jobs.start import StartJob
from archipelago.container.operations.jobs.stop import StopJob
from archipelago.container.operations.jobs.update import UpdateJob
from archipelago.container.operations.runner import JobRunner
from archipelago.container.proposals.consequences import (
    interrupted,
    require_agreed,
    restart_preview,
    secrets_preview,
    stop_preview,
    with_restarts,
)
from archipelago.container.proposals.proposal import another_plan, concerning
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.ports import require_free
from archipelago.support.texts.text import msg


class Orchestrator:
    """Turns requests into operations, and previews what each would do."""

    def __init__(self, parts: JobParts, runner: JobRunner) -> None:
        self._parts = parts
        self._runner = runner

    # --- requests ---------------------------------------------------------------------------------------------------

    async def plan(
        self, app: str, options: Mapping[str, object], choices: Mapping[str, str], also: tuple[str, ...] = ()
    ) -> Plan:
        """Return what installing or updating the app, or other options of it, would do, without doing it.

        `also` are further apps to be installed with it.
        """
        records = await self._parts.state.load_apps()
        if app in records and options and not choices and not also:
            return await self._plan_settings(records, app, options)
        proposal = await self._parts.planner.plan(app, options, choices, also)
        plan = concerning(proposal.plan, app, *also)
        restarts = [planned.app for planned in plan.apps if planned.action in (Action.RESTART, Action.UPDATE)]
        found = {
            "interrupts": interrupted(self._parts.reconciler.desired, restarts),
            "obstacles": await self._obstacles(plan),
        }
        older = await self._parts.downgrades.find(plan, records)
        copies = await self._parts.way_back.remarks(records, proposal.packages)
        first = () if app in records else updated_by(plan)
        staged = (msg("{app} is updated first; if that fails, nothing is installed", app=each) for each in first)
        warnings = (*plan.warnings, *staged, *(each.text for each in older), *copies)
        return plan.model_copy(update={**found, "warnings": warnings})

    async def install(
        self,
        app: str,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        *,
        start: bool,
        also: tuple[str, ...] = (),
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation:
        """Install an app with all that it needs; `agreed` is the digest of the plan that the owner looked at.

        `also` are further apps that are installed in the same plan, and removed with it if it is cancelled.
        `downgrade` allows versions that are older than the data that is there.
        """
        async with self._runner.deciding:
            job = await InstallJob.requested(
                self._parts, app, options, choices, start=start, also=also, agreed=agreed, downgrade=downgrade
            )
            return await self._runner.open(job)

    async def start(self, app: str) -> Operation:
        """Start an app, and those that it cannot do without."""
        async with self._runner.request(app):
            records = await self._parts.state.load_apps()
            return await self._runner.open(StartJob.of(app, self._parts.reconciler.desired, records))

    async def stop(self, app: str, agreed: Collection[str] | None = None) -> Operation:
        """Stop an app; those that cannot do without it stop before it, and come back with it.

        `agreed` are those that the owner agreed to stop; if others would stop by now, nothing does.
        """
        async with self._runner.request(app) as record:
            return await self._runner.open(StopJob.of(record, self._parts.reconciler.desired, agreed))

    async def restart(self, app: str) -> Operation:
        """Restart an app's containers, in order."""
        async with self._runner.request(app):
            return await self._runner.open(RestartJob.of(app, self._parts.reconciler.desired))

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        """Remove an app; its data stays unless `delete_data`, and keys to money are kept aside even then."""
        async with self._runner.request(app) as record:
            return await self._runner.open(await RemoveJob.requested(self._parts, record, delete_data=delete_data))

    async def update(self, app: str, agreed: str | None = None, *, downgrade: bool = False) -> Operation:
        """Bring an app to the version of the catalog; `agreed` is the digest of the plan that the owner looked at.

        `downgrade` allows a version that is older than the installed one.
        """
        record = await self._runner.idle(app)
        measured = await UpdateJob.measure(self._parts, record, agreed=agreed, downgrade=downgrade)
        async with self._runner.request(app) as record:
            return await self._runner.open(
                await UpdateJob.requested(self._parts, record, measured, agreed=agreed, downgrade=downgrade)
            )

    async def change_preview(self, app: str, change: Change) -> ChangePreview:
        """Return what a stop or a restart of an app would do to others."""
        await self._parts.planner.installed(app)
        look = stop_preview if change is Change.STOP else restart_preview
        return look(self._parts.reconciler.desired, app)

    async def configure(
        self,
        app: str,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None = None,
        plan: str | None = None,
    ) -> Operation:
        """Change the owner's options of an app; what the change touches restarts, and nothing else.

        `agreed` are the apps that the owner agreed to restart or install, and `plan` is that of the preview; if there
        would be others, nothing changes.
        """
        async with self._runner.request(app) as record:
            return await self._configure(record, options, reset, agreed, plan)

    async def preview(self, app: str, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview:
        """Return what `configure` would do, without doing it."""
        record = await self._parts.planner.installed(app)
        return await self._preview(
            app, self._parts.composer.check_options(record.package.manifest, options, reset), reset
        )

    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview:
        """Return what `roll_back` would do, without doing it."""
        record = await self._parts.planner.installed(app)
        options, reset = await self._way_back(record, number)
        return await self.preview(app, options, reset)

    async def history(self, app: str) -> tuple[ConfigRevision, ...]:
        """Return the configurations that an app has had, the newest first."""
        return tuple(map(config_history.view, await self._parts.revisions.history(app)))

    async def compare(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]:
        """Return what is different between two revisions."""
        found = await self._parts.revisions.history(app)
        return config_history.changes(*(config_history.find(found, app, number) for number in (before, after)))

    async def roll_back(
        self, app: str, number: int, agreed: Collection[str] | None = None, plan: str | None = None
    ) -> Operation:
        """Set the options of an app as they were; its version and its providers stay."""
        async with self._runner.request(app) as record:
            return await self._configure(record, *await self._way_back(record, number), agreed, plan)

    async def _way_back(self, record: AppRecord, number: int) -> tuple[dict[str, Scalar], tuple[str, ...]]:
        target = config_history.find(await self._parts.revisions.history(record.app), record.app, number)
        return config_history.way_back(record.options, target, record.package.manifest.options)

    async def secrets(self, app: str) -> tuple[SecretView, ...]:
        """List the secrets of an app."""
        return await self._parts.secrets.list(await self._parts.planner.installed(app))

    async def reveal_secret(self, app: str, name: str) -> str:
        """Return a secret of an app."""
        return await self._parts.secrets.show(await self._parts.planner.installed(app), name)

    async def secrets_preview(self, app: str, name: str | None) -> ChangePreview:
        """Return what another value of a secret, or of all, does to other apps."""
        return await self._secrets_preview(await self._parts.planner.installed(app), name)

    async def set_secret(self, app: str, name: str, value: str, agreed: Collection[str] | None = None) -> Operation:
        """Give a secret of an app another value; `agreed` as in `configure`."""
        async with self._runner.request(app) as record:
            require_agreed(app, agreed, (await self._secrets_preview(record, name)).restarts)
            ticket = self._parts.secrets.take(record, name, value)
            job = SecretsJob.of(app, (name,), self._parts.reconciler.desired, ticket=ticket)
            try:
                return await self._runner.open(job)
            except BaseException:
                self._parts.secrets.drop(ticket)
                raise

    async def rotate_secrets(self, app: str, name: str | None, agreed: Collection[str] | None = None) -> Operation:
        """Replace secrets of an app; `agreed` as in `configure`."""
        async with self._runner.request(app) as record:
            require_agreed(app, agreed, (await self._secrets_preview(record, name)).restarts)
            names = await self._parts.secrets.replaceable(record, name)
            return await self._runner.open(SecretsJob.of(app, names, self._parts.reconciler.desired))

    async def repair_preview(self, app: str, repair: str) -> RepairPreview:
        """Return what a repair of an app would do, without doing it."""
        await self._parts.planner.installed(app)
        return await self._parts.repairs.preview(app, repair)

    async def repair(self, app: str, repair: str) -> Operation:
        """Carry out a repair that the app declares; the app is stopped for it, and started again."""
        async with self._runner.request(app):
            return await self._runner.open(await RepairJob.requested(self._parts, app, repair))

    # --- shared -----------------------------------------------------------------------------------------------------

    async def _configure(
        self,
        record: AppRecord,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None,
        plan: str | None,
    ) -> Operation:
        app = record.app
        given = self._parts.composer.check_options(record.package.manifest, options, reset)
        preview = await self._preview(app, given, reset)
        require_agreed(app, agreed, (*preview.restarts, *preview.installs))
        if plan is not None and plan != preview.plan:
            raise another_plan(ErrorCode.INVALID_VALUE)
        reconciler = self._parts.reconciler
        worked = tuple(name for name in reconciler.desired.apps if reconciler.health(name).state in WORKING)
        job = ConfigureJob.of(app, given, reset, before=record.options, restarts=preview.restarts, worked=worked)
        return await self._runner.open(await job.bringing(self._parts, record, preview.plan))

    async def _preview(self, app: str, given: Mapping[str, Scalar], reset: tuple[str, ...]) -> ConfigPreview:
        after, plan = await self._parts.changes.try_out(app, given, reset)
        free_disk = await asyncio.to_thread(self._parts.composer.free_disk)
        found = config_history.preview(self._parts.reconciler.desired, after, app, free_disk)
        return found.model_copy(update={"plan": plan})

    async def _secrets_preview(self, record: AppRecord, name: str | None) -> ChangePreview:
        names = await self._parts.secrets.replaceable(record, None) if name is None else (name,)
        return secrets_preview(self._parts.reconciler.desired, record.app, names)

    async def _plan_settings(self, records: Mapping[str, AppRecord], app: str, options: Mapping[str, object]) -> Plan:
        manifest = records[app].package.manifest
        given = self._parts.composer.check_options(manifest, options, ())
        catalog = await self._parts.catalog.read() if manifest.variants else None
        plan = await self._parts.composer.plan(records, Request(options={app: given}), catalog)
        preview = await self._preview(app, given, ())
        plan = concerning(with_restarts(plan, app, preview.restarts, self._parts.reconciler.desired), app)
        found = {"warnings": (*plan.warnings, *preview.data), "obstacles": await self._obstacles(plan)}
        return plan.model_copy(update=found)

    async def _obstacles(self, plan: Plan) -> tuple[str, ...]:
        found = []
        try:
            await require_free(plan.asks.ports, str(LOOPBACK))
        except NodeError as error:
            found.append(error.message)
        try:
            if any(planned.action is Action.INSTALL for planned in plan.apps):
                self._parts.require_room()
        except NodeError as error:
            found.append(error.message)
        return tuple(found)
