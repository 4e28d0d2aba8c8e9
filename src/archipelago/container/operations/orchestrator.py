"""Takes what the owner asks for: each request is planned, refused with a reason, or becomes an operation."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import structlog

from archipelago.api.apps import Change, ChangePreview
from archipelago.api.configuration import ConfigPreview, ConfigRevision, SettingChange
from archipelago.api.operations import Operation, OperationKind
from archipelago.api.repairs import RepairPreview
from archipelago.api.security import SecretView
from archipelago.catalog.source import CatalogSource
from archipelago.container.data.kept import keepsake_of
from archipelago.container.data.volumes import AppData
from archipelago.container.dependency_resolver.plan import Action, Plan, Request
from archipelago.container.desired.composer import Composer
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.operations import revisions as config_history
from archipelago.container.operations.app_secrets import AppSecrets
from archipelago.container.operations.lifecycle import Lifecycle
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.repairs import Repairs
from archipelago.container.proposals.consequences import (
    interrupted,
    require_agreed,
    restart_preview,
    stop_preview,
    with_restarts,
)
from archipelago.container.proposals.downgrades import Downgrades, require_none
from archipelago.container.proposals.proposal import concerning
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.stores.revisions import RevisionStore
from archipelago.storage.stores.state import State
from archipelago.support.ports import require_free

_APPS = "apps"
"""Argument of each operation: the apps that it works on beside its own."""


class Orchestrator:
    """Turns requests into operations, and operations into a new desired state."""

    def __init__(
        self,
        state: State,
        catalog: CatalogSource,
        composer: Composer,
        reconciler: Reconciler,
        operations: Operations,
        lifecycle: Lifecycle,
        secrets: AppSecrets,
        revisions: RevisionStore,
        data: AppData,
        repairs: Repairs,
    ) -> None:
        self._state = state
        self._catalog = catalog
        self._composer = composer
        self._reconciler = reconciler
        self._operations = operations
        self._lifecycle = lifecycle
        self._secrets = secrets
        self._revisions = revisions
        self._data = data
        self._repairs = repairs
        self._downgrades = Downgrades(state, revisions)
        self._deciding = asyncio.Lock()
        self._log = structlog.get_logger("orchestrator")

    # --- requests ---------------------------------------------------------------------------------------------------

    async def plan(self, app: str, options: Mapping[str, object], choices: Mapping[str, str]) -> Plan:
        """Return what installing or updating the app, or other options of it, would do, without doing it."""
        records = await self._state.load_apps()
        if app in records and options and not choices:
            return await self._plan_settings(records, app, options)
        proposal = await self._lifecycle.plan(app, options, choices)
        plan = concerning(proposal.plan, app)
        restarts = [planned.app for planned in plan.apps if planned.action in (Action.RESTART, Action.UPDATE)]
        found = {"interrupts": interrupted(self._reconciler.desired, restarts), "obstacles": await _obstacles(plan)}
        older = await self._downgrades.find(plan, records)
        return plan.model_copy(update={**found, "warnings": (*plan.warnings, *map(str, older))})

    async def install(
        self,
        app: str,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        *,
        start: bool,
        agreed: str | None = None,
        downgrade: bool = False,
    ) -> Operation:
        """Install an app with all that it needs; `agreed` is the digest of the plan that the owner looked at.

        `downgrade` allows versions that are older than the data that is there.
        """
        async with self._deciding:
            records = await self._state.load_apps()
            if app in records:
                raise NodeError(
                    ErrorCode.ALREADY_INSTALLED,
                    f"{app} is already installed",
                    hint=f"'archipelago status {app}' shows it; 'archipelago config {app}' changes its options",
                )
            proposal = await self._lifecycle.plan(app, options, choices)
            proposal.require_plan(agreed)
            plan = proposal.plan
            if not downgrade:
                require_none(await self._downgrades.find(plan, records))
            await require_free(tuple(asked.port for asked in plan.asks.endpoints))
            arguments = {"options": dict(proposal.options), "choices": dict(choices), "start": start}
            return await self._open(OperationKind.INSTALL, app, {**arguments, **proposal.kept}, _touched(plan))

    async def start(self, app: str) -> Operation:
        """Start an app, and those that it cannot do without."""
        async with self._deciding:
            await self._to_change(app)
            records = await self._state.load_apps()
            needed = [name for name in self._reconciler.desired.needed_by(app) if name in records]
            stopped = [name for name in needed if records[name].desired is Desired.STOPPED]
            return await self._open(OperationKind.START, app, {"stopped": stopped}, frozenset(needed))

    async def stop(self, app: str, agreed: Collection[str] | None = None) -> Operation:
        """Stop an app; those that cannot do without it stop before it, and come back with it.

        `agreed` are those that the owner was told of; where others would stop by now, nothing does.
        """
        async with self._deciding:
            record = await self._to_change(app)
            desired = self._reconciler.desired
            require_agreed(app, agreed, stop_preview(desired, app).stops)
            arguments = {"desired": record.desired.value}
            return await self._open(OperationKind.STOP, app, arguments, frozenset(desired.needing(app)))

    async def restart(self, app: str) -> Operation:
        """Restart an app's containers, in order."""
        async with self._deciding:
            await self._to_change(app)
            if (obstacle := self._reconciler.desired.obstacle(app)) is not None:
                raise NodeError(
                    ErrorCode.NOT_RUNNING,
                    f"{app} does not run: {obstacle}",
                    hint=f"start it with 'archipelago start {app}'",
                )
            return await self._open(OperationKind.RESTART, app, {}, frozenset())

    async def remove(self, app: str, *, delete_data: bool) -> Operation:
        """Remove an app; its data stays unless `delete_data`, and keys to money are kept aside even then."""
        async with self._deciding:
            record = await self._to_change(app)
            plan = await self._composer.plan(await self._state.load_apps(), Request(remove=(app,)))
            if delete_data:
                _require_read(record)
                await self._data.refuse_unkeepable(record.package.manifest)
            keepsake = asdict(keepsake_of(record.package.manifest))
            arguments = {"delete_data": delete_data, "keepsake": keepsake}
            return await self._open(OperationKind.REMOVE, app, arguments, _touched(plan))

    async def update(self, app: str, agreed: str | None = None, *, downgrade: bool = False) -> Operation:
        """Bring an app to the version of the catalog; `agreed` is the digest of the plan that the owner looked at.

        `downgrade` allows a version that is older than the installed one.
        """
        async with self._deciding:
            record = await self._to_change(app)
            package = (await self._catalog.read()).package(app)
            if package.package_digest() == record.package.package_digest():
                raise NodeError(
                    ErrorCode.ALREADY_INSTALLED, f"{app} {package.manifest.version} is what the catalog has"
                )
            proposal = await self._lifecycle.plan_update(app)
            proposal.require_plan(agreed)
            if not downgrade:
                require_none(await self._downgrades.find(proposal.plan, await self._state.load_apps()))
            return await self._open(OperationKind.UPDATE, app, proposal.kept, _touched(proposal.plan))

    async def change_preview(self, app: str, change: Change) -> ChangePreview:
        """Return what a stop or a restart of an app would do to others."""
        await self._installed(app)
        look = stop_preview if change is Change.STOP else restart_preview
        return look(self._reconciler.desired, app)

    async def configure(
        self,
        app: str,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None = None,
    ) -> Operation:
        """Change the owner's options of an app; what the change touches restarts, and nothing else.

        `agreed` are the apps of which the owner was told that they restart; where others would, nothing does.
        """
        async with self._deciding:
            return await self._configure(await self._to_change(app), options, reset, agreed)

    async def preview(self, app: str, options: Mapping[str, object], reset: tuple[str, ...]) -> ConfigPreview:
        """Return what `configure` would do, without doing it."""
        record = await self._installed(app)
        return await self._preview(app, self._composer.check_options(record.package.manifest, options, reset), reset)

    async def preview_roll_back(self, app: str, number: int) -> ConfigPreview:
        """Return what `roll_back` would do, without doing it."""
        record = await self._installed(app)
        options, reset = await self._way_back(record, number)
        return await self.preview(app, options, reset)

    async def set_open(self, app: str, endpoint: str, *, opened: bool) -> None:
        """Open an endpoint of an app to the local network, or close it; nothing restarts."""
        await self._installed(app)  # an unknown name gets its own error, with the nearest names
        await self._lifecycle.set_open(app, endpoint, opened=opened)

    async def history(self, app: str) -> tuple[ConfigRevision, ...]:
        """Return the configurations that an app has had, the newest first."""
        return tuple(map(config_history.view, await self._revisions.history(app)))

    async def compare(self, app: str, before: int, after: int) -> tuple[SettingChange, ...]:
        """Return what is different between two revisions."""
        found = await self._revisions.history(app)
        return config_history.changes(*(config_history.find(found, app, number) for number in (before, after)))

    async def roll_back(self, app: str, number: int, agreed: Collection[str] | None = None) -> Operation:
        """Set the options of an app as they were; its version and its providers stay."""
        async with self._deciding:
            record = await self._to_change(app)
            return await self._configure(record, *await self._way_back(record, number), agreed)

    async def _way_back(self, record: AppRecord, number: int) -> tuple[dict[str, Scalar], tuple[str, ...]]:
        target = config_history.find(await self._revisions.history(record.app), record.app, number)
        return config_history.way_back(record.options, target, record.package.manifest.options)

    async def secrets(self, app: str) -> tuple[SecretView, ...]:
        """List the secrets of an app."""
        return await self._secrets.list(await self._installed(app))

    async def reveal_secret(self, app: str, name: str) -> str:
        """Return a secret of an app."""
        return await self._secrets.show(await self._installed(app), name)

    async def set_secret(self, app: str, name: str, value: str) -> Operation:
        """Give a secret of an app another value."""
        async with self._deciding:
            ticket = self._secrets.take(await self._to_change(app), name, value)
            arguments = {"names": [name], "given": True, "ticket": ticket}
            try:
                return await self._open(OperationKind.SECRETS, app, arguments, self._reconciler.desired.neighbours(app))
            except BaseException:
                self._secrets.drop(ticket)
                raise

    async def rotate_secrets(self, app: str, name: str | None) -> Operation:
        """Replace secrets of an app."""
        async with self._deciding:
            names = await self._secrets.named(await self._to_change(app), name)
            arguments = {"names": list(names), "given": False}
            return await self._open(OperationKind.SECRETS, app, arguments, self._reconciler.desired.neighbours(app))

    async def repair_preview(self, app: str, repair: str) -> RepairPreview:
        """Return what a repair of an app would do, without doing it."""
        await self._installed(app)
        return await self._repairs.preview(app, repair)

    async def repair(self, app: str, repair: str) -> Operation:
        """Carry out a repair that the app declares; the app is stopped for it, and started again."""
        async with self._deciding:
            await self._to_change(app)
            if (obstacle := self._reconciler.desired.obstacle(app)) is not None:
                raise NodeError(
                    ErrorCode.NOT_RUNNING,
                    f"{app} is not to run, and its repair ends with a start: {obstacle}",
                    hint=f"start it with 'archipelago start {app}', then repair it",
                )
            await self._repairs.order(app, repair)
            return await self._open(OperationKind.REPAIR, app, {"repair": repair}, frozenset())

    async def resume(self) -> None:
        """Take up the operations that a crash cut off."""
        for record in await self._state.unfinished_operations():
            try:
                kind = OperationKind(record.kind)
            except ValueError:
                self._log.warning("only the version that opened it resumes this operation", operation=record.id)
                continue
            work = self._lifecycle.work(kind, record.app, record.arguments)
            await self._operations.resume(record, frozenset(record.arguments.get(_APPS, ())), work)

    async def apply(self) -> None:
        """Compile what is installed and have it kept so."""
        await self._lifecycle.apply()

    # --- shared -----------------------------------------------------------------------------------------------------

    async def _configure(
        self,
        record: AppRecord,
        options: Mapping[str, object],
        reset: tuple[str, ...],
        agreed: Collection[str] | None = None,
    ) -> Operation:
        app = record.app
        given = self._composer.check_options(record.package.manifest, options, reset)
        preview = await self._preview(app, given, reset)
        require_agreed(app, agreed, preview.restarts)
        arguments = {
            "options": given,
            "reset": list(reset),
            "before": dict(record.options),
            "worked": self._lifecycle.worked(self._reconciler.desired.apps),
        }
        return await self._open(OperationKind.CONFIGURE, app, arguments, frozenset(preview.restarts))

    async def _preview(self, app: str, given: Mapping[str, Scalar], reset: tuple[str, ...]) -> ConfigPreview:
        after = await self._lifecycle.try_out(app, given, reset)
        free_disk = await asyncio.to_thread(self._composer.free_disk)
        return config_history.preview(self._reconciler.desired, after, app, free_disk)

    async def _plan_settings(self, records: Mapping[str, AppRecord], app: str, options: Mapping[str, object]) -> Plan:
        given = self._composer.check_options(records[app].package.manifest, options, ())
        plan = await self._composer.plan(records, Request(options={app: given}))
        preview = await self._preview(app, given, ())
        plan = concerning(with_restarts(plan, app, preview.restarts, self._reconciler.desired), app)
        return plan.model_copy(update={"warnings": (*plan.warnings, *preview.data)})

    async def _open(
        self, kind: OperationKind, app: str, arguments: Mapping[str, Any], apps: frozenset[str]
    ) -> Operation:
        # Kept as well: after a crash the same apps are worked on.
        arguments = {**arguments, _APPS: sorted(apps)}
        return await self._operations.open(kind, app, apps, arguments, self._lifecycle.work(kind, app, arguments))

    async def _to_change(self, app: str) -> AppRecord:
        """Return an app's record as it stays until an operation is opened, which nobody else can do meanwhile."""
        # First: what still goes on may change the record between this look and the operation.
        self._operations.refuse_if_busy(frozenset({app}))
        return await self._installed(app)

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


def _require_read(record: AppRecord) -> None:
    """Raise `NodeError` where the volumes with keys to money may be in a part of the manifest that is not read."""
    if record.package.problem:
        raise NodeError(
            ErrorCode.INVALID_MANIFEST,
            f"which data of {record.app} is to be kept is not known: {record.package.problem}",
            hint=f"update {record.app} first, or remove it without its data",
        )


async def _obstacles(plan: Plan) -> tuple[str, ...]:
    try:
        await require_free(tuple(asked.port for asked in plan.asks.endpoints))
    except NodeError as error:
        return (error.message,)
    return ()


def _touched(plan: Plan) -> frozenset[str]:
    return frozenset(planned.app for planned in plan.apps if planned.action is not Action.REUSE)
