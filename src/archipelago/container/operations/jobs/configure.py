"""Changes options of an app; those before come back where its owner cancels, or where the new ones fail.

With them may come apps that it needs with such options, which go with them again.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from pydantic import Field

from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.desired.installed_apps import Records, installed
from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.changes.planned_records import planned_records
from archipelago.container.operations.changes.removal import lacking_data, release_slots, take_back
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.changes.turn import TurnResult, changed_options
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.proposals.consequences import require_needs_run
from archipelago.container.proposals.downgrades import require_none
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.ports import require_free
from archipelago.support.texts.text import msg


class ConfigureJob(Job):
    """What the change touches restarts, and nothing else."""

    kind = "configure"

    options: dict[str, Scalar]
    """Options to set, of their own types."""
    reset: tuple[str, ...]
    """Options that get their defaults again."""
    before: dict[str, Scalar] | None = None
    """The owner's options until now; None in the oldest rows, of which nothing comes back."""
    worked: tuple[str, ...] = ()
    """The apps that did their work before: only where one of them fails do the former options come back."""
    packages: dict[str, str] = Field(default={})
    """Digest of the package of each app that it brings; older rows bring none."""
    without_data: tuple[str, ...] = ()
    """Those of the new apps that had no data before: it goes with them."""

    @classmethod
    def of(
        cls,
        app: str,
        given: Mapping[str, Scalar],
        reset: tuple[str, ...],
        *,
        before: Mapping[str, Scalar],
        restarts: tuple[str, ...],
        worked: tuple[str, ...],
    ) -> Self:
        """Return the change of options of an installed app, which restarts these. Pure."""
        return cls(app=app, apps=restarts, options=dict(given), reset=reset, before=dict(before), worked=worked)

    async def bringing(self, parts: JobParts, record: AppRecord, plan: str) -> Self:
        """Return the change with the apps that it brings by a plan of this digest; empty where it brings none.

        Raises `NodeError` where one of them cannot come, or the plan is another one by now.
        """
        if not plan:
            return self
        records = {**await parts.state.load_apps(), **self.with_new_options({self.app: record})}
        proposal = await parts.planner.settle(records, self.app)
        proposal.require(plan)
        parts.require_room()
        require_none(await parts.downgrades.find(proposal.plan, records))
        await require_free(proposal.plan.asks.ports, str(LOOPBACK))
        return self.model_copy(
            update={
                "apps": (*self.apps, *proposal.packages),
                "packages": proposal.digests,
                "without_data": await lacking_data(parts, proposal.packages),
            }
        )

    def with_new_options(self, records: Records) -> Records:
        """Return the record with the new options. Pure; raises `NodeError`."""
        record = installed(records, self.app)
        return {self.app: replace(record, options=changed_options(record.options, self.options, self.reset))}

    def with_former_options(self, records: Records) -> Records:
        """Return the record with the former options. Pure; raises `NodeError`."""
        return {} if self.before is None else {self.app: replace(installed(records, self.app), options=self.before)}

    def restores_after(self, error: NodeError) -> bool:
        """Return whether the former options come back after this failure. Pure.

        What did not work before does not come back: its owner may be on his way out of trouble.
        """
        return self.before is not None and error.data.get("app") in self.worked

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Change the options, and wait until all that they touch is ready."""
        hashes = parts.reconciler.desired.hashes
        there = await parts.state.load_apps()
        new = await parts.planner.packages({app: digest for app, digest in self.packages.items() if app not in there})

        async def decide(records: Records) -> TurnResult:
            result = await self._settled(parts, records, self.with_new_options(records), new)
            if result.plan is not None:
                require_needs_run(self.app, records, result.plan)
            return result

        await tracker.steps(tuple(map(image_step, new)))
        async with parts.fetcher.fetched(tracker, new):
            try:
                await parts.changes.make(decide, message=f"options of {self.app} changed", app=self.app)
            except NodeError:
                await release_slots(parts, self.without_data)
                raise
        # After a crash the change is made already: those that it was to touch are awaited all the same.
        touched = tuple(dict.fromkeys((*parts.reconciler.desired.touched_since(hashes), *self.apps)))
        await tracker.more_steps(tuple(map(start_step, touched)))
        try:
            await parts.starts.wait(tracker, touched)
        except NodeError as error:
            if not self.restores_after(error):
                raise
            raise await self._restored_after(parts, touched, error) from error

    async def undo(self, parts: JobParts) -> None:
        """Bring the former options back."""
        await self._restore(parts, f"change of options of {self.app} cancelled")

    async def _restore(self, parts: JobParts, message: str) -> None:
        async def decide(records: Records) -> TurnResult:
            return await self._settled(parts, records, self.with_former_options(records), {})

        await parts.changes.make(decide, message=message, app=self.app)
        if self.packages:
            with contextlib.suppress(ResolutionError):  # meanwhile another app came to rely on them
                await take_back(parts, tuple(self.packages), self.without_data, message=message, app=self.app)

    async def _settled(
        self, parts: JobParts, records: Records, changed: Records, packages: Mapping[str, AppPackage]
    ) -> TurnResult:
        """Return records whose options changed, and where these decide what the app needs, all that follow."""
        if not any(record.package.manifest.variants for record in changed.values()):
            return TurnResult(changed)
        after = {**records, **changed}
        proposal = await parts.planner.settle(after, self.app)
        proposal.require(None, self.packages)
        plan = proposal.plan
        return TurnResult(await planned_records(parts.state.take_slot, plan, after, packages), plan)

    async def _restored_after(self, parts: JobParts, touched: tuple[str, ...], error: NodeError) -> NodeError:
        """Bring former options back, with which the apps worked; return the error that says so."""
        try:
            await self._restore(parts, f"options of {self.app} restored, since the new ones failed")
        except NodeError as problem:
            said = msg("the former options cannot be restored: {message}", message=problem.message)
            return NodeError(
                error.code,
                msg("{message}; {said}", message=error.message, said=said),
                hint=problem.hint or error.hint,
                data=error.data,
            )
        await parts.reconciler.settled(touched)
        state = ""
        for name in filter(parts.reconciler.desired.wanted, touched):
            try:
                await parts.readiness.wait(name, _ignore)
            except NodeError as problem:
                state = msg("; so far {message}", message=problem.message)
        return NodeError(
            error.code,
            msg("{message}; the former options are in force again{state}", message=error.message, state=state),
            hint=msg(
                "'archipelago logs {app}' shows what the app printed with the new ones", app=error.data.get("app")
            ),
            data=error.data,
        )


async def _ignore(_: str) -> None:
    pass
