"""Brings an app to the version of the catalog, or back to what it was where the new version does not work."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from archipelago.container.data.kept import stamp
from archipelago.container.data.snapshots.order import SnapshotOrder
from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.changes.planned_records import PLAN_STEP, planned_records
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.changes.turn import TurnResult
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.readiness.soak import soak
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.update_stage import UpdateStage
from archipelago.container.operations.way_back import back_step, before_update, copy_step, updated
from archipelago.container.podman_client.errors import PodmanError, code_of
from archipelago.container.proposals.downgrades import require_none
from archipelago.container.proposals.proposal import Proposal, another_plan, touched
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.operations import OperationFailure
from archipelago.storage.records.snapshots import SnapshotKind
from archipelago.support.texts.text import msg

_STOP_WITHOUT_ROOM = 30.0
"""Seconds in which an app may stop on a disk that it has filled."""


@dataclass(frozen=True, slots=True)
class MeasuredUpdate:
    """Whether an update has a way back, and of what that was found out."""

    packages: Mapping[str, str]
    """Digest of each new package."""
    installed: Mapping[str, str]
    """Digest of each package that it replaces."""
    leads_back: bool


class UpdateJob(Job):
    """It can be cancelled until the new version may change the data."""

    kind = "update"

    packages: dict[str, str] | None = None
    """Digest of the package of each app that it updates or brings; None in the oldest rows."""
    plan: str | None = None
    """Digest of the plan that the owner agreed to; None in old rows: any plan of these packages."""
    updates: tuple[str, ...] = ()
    """The apps that are there and get another package, which go back together; none where there is no way back."""
    snapshot: str = ""
    """Name of their snapshots of before."""
    worked: bool = True
    """Whether they worked before: what was broken does not come back, since its owner may be fixing it in steps."""
    rejected: str = ""
    """Name of the snapshots of what the new version left, where it did not work."""
    stage: UpdateStage = UpdateStage.FETCH
    failure: OperationFailure | None = None
    """Why it goes back."""

    @classmethod
    async def measure(
        cls, parts: JobParts, record: AppRecord, *, agreed: str | None, downgrade: bool
    ) -> "MeasuredUpdate":
        """Find out whether there is a way back, which may take long. Raises `NodeError` as `requested` does."""
        proposal, records = await cls._allowed(parts, record, agreed=agreed, downgrade=downgrade)
        leads_back = await parts.way_back.is_possible(records, proposal.packages)
        return MeasuredUpdate(proposal.digests, _installed(records, proposal), leads_back)

    @classmethod
    async def requested(
        cls, parts: JobParts, record: AppRecord, measured: "MeasuredUpdate", *, agreed: str | None, downgrade: bool
    ) -> Self:
        """Plan an update. Raises `NodeError` where it cannot be, or is not what was `agreed` or `measured`."""
        proposal, records = await cls._allowed(parts, record, agreed=agreed, downgrade=downgrade)
        proposal.require(None, measured.packages)
        if _installed(records, proposal) != measured.installed:
            raise another_plan()
        job = cls(app=record.app)._with(proposal)
        if not measured.leads_back:
            return job
        updates = updated(records, proposal.packages)
        worked = not any(map(parts.readiness.now.is_broken, updates))
        return job.model_copy(update={"updates": updates, "snapshot": stamp(datetime.now(UTC)), "worked": worked})

    @classmethod
    async def _allowed(
        cls, parts: JobParts, record: AppRecord, *, agreed: str | None, downgrade: bool
    ) -> tuple[Proposal, Records]:
        app = record.app
        package = (await parts.catalog.read()).package(app)
        if package.package_digest() == record.package.package_digest():
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg("{app} {version} is what the catalog has", app=app, version=package.manifest.version),
            )
        proposal = await parts.planner.plan_update(app)
        proposal.require(agreed)
        records = await parts.state.load_apps()
        if not downgrade:
            require_none(await parts.downgrades.find(proposal.plan, records))
        return proposal, records

    def _with(self, proposal: Proposal) -> Self:
        plan = proposal.plan
        return self.model_copy(update={"apps": touched(plan), "packages": proposal.digests, "plan": plan.digest})

    async def completed(self, parts: JobParts) -> Self:
        """Plan what an older row does not say."""
        if self.version > 0:
            return self
        proposal = await parts.planner.plan_update(self.app)
        if proposal.packages:
            proposal.require(self.plan, self.packages)
        return self._with(proposal)

    @property
    def suspended(self) -> frozenset[str]:
        """The apps whose data was being copied or put back."""
        return frozenset(self.updates if self.stage in (UpdateStage.COPY, UpdateStage.BACK) else ())

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Bring the new version, and go back where it does not work."""
        try:
            await self._run(parts, tracker)
        except Exception:
            # Not where the node ends: the next one suspends them at once, and the job goes on.
            with contextlib.suppress(NodeError):  # the next update takes the same file
                await parts.way_back.store.room.give(self.updates)
            parts.way_back.release(self.updates)
            raise
        finally:
            parts.pruner.want()

    async def undo(self, parts: JobParts) -> None:
        """Let the apps run as they did."""
        if not _is_kept(await parts.state.load_apps(), self.packages or {}):
            await self._discard(parts)
        with contextlib.suppress(NodeError):
            await parts.way_back.store.room.give(self.updates)
        parts.way_back.release(self.updates)

    async def _run(self, parts: JobParts, tracker: Tracker) -> None:
        job = self
        if job.stage in (UpdateStage.FETCH, UpdateStage.COPY):
            job = await job._bring(parts, tracker)
        if job.stage is UpdateStage.TRIAL:
            try:
                await parts.starts.wait(tracker, job.apps or (job.app,))
                await soak(parts.reconciler, job.packages or (), parts.soak)
            except (NodeError, PodmanError) as error:
                if not job.updates:
                    raise
                if not job.worked:
                    raise _broken_as_before(job, _failure(error)) from error
                job = await job._reject(parts, tracker, _failure(error))
            else:
                await parts.way_back.store.room.give(job.updates)
                for name in job.updates:
                    await parts.way_back.store.thin_out(name)
                return
        await job._go_back(parts, tracker)

    async def _at(self, tracker: Tracker, stage: UpdateStage, **changes: Any) -> Self:
        job = self.model_copy(update={"stage": stage, **changes})
        await tracker.store(job.arguments)
        return job

    # --- forward ----------------------------------------------------------------------------------------------------

    async def _bring(self, parts: JobParts, tracker: Tracker) -> Self:
        """Fetch the images, copy the data, and keep the plan; return the job with the new version running."""
        wanted = self.packages or {}
        if not _is_kept(await parts.state.load_apps(), wanted):  # else a crash came after the plan was kept
            packages = await parts.planner.packages(wanted)
            copies = tuple(map(copy_step, self.updates))
            await tracker.steps((*map(image_step, packages), *copies, PLAN_STEP, *map(start_step, self.apps)))
            async with parts.fetcher.fetched(tracker, packages):
                try:
                    await self._copy(parts, tracker, packages)
                    # From here on the new version may change the app's data in a way that the old one cannot read.
                    tracker.commit_unwritten(copies, PLAN_STEP)
                    await self._keep_plan(parts, packages)
                except Exception:
                    if not _is_kept(await parts.state.load_apps(), wanted):
                        await self._discard(parts)
                    raise
                parts.way_back.release(self.updates)  # nobody waits for what is written down of it
            await tracker.finish(PLAN_STEP)
        else:
            await tracker.commit()
        parts.way_back.release(self.updates)
        return await self._at(tracker, UpdateStage.TRIAL)

    async def _copy(self, parts: JobParts, tracker: Tracker, packages: dict[str, AppPackage]) -> None:
        if not self.updates:
            return
        records = await parts.state.load_apps()
        plans = {name: await parts.way_back.prepare(records[name], packages[name]) for name in self.updates}
        for name in self.updates:
            plans[name].require_whole(name)  # it could be when this was asked for
            await parts.pruner.keep(records[name].package)
        await self._at(tracker, UpdateStage.COPY)
        await parts.way_back.store.room.keep(self.updates)
        for name in self.updates:
            await parts.way_back.lay_out(tracker, records[name], self.snapshot, plans[name])
        await parts.way_back.suspend(self.updates)
        for name in self.updates:
            order = before_update(name, self.snapshot, packages[name], self.updates)
            await parts.way_back.store.take(records[name], order, plans[name])

    async def _keep_plan(self, parts: JobParts, packages: dict[str, AppPackage]) -> None:
        async def decide(records: Records) -> TurnResult:
            proposal = await parts.planner.plan_again(records, Request(update=(self.app,)), self.app)
            proposal.require(self.plan, self.packages)
            plan = proposal.plan
            return TurnResult(await planned_records(parts.state.take_slot, plan, records, packages), plan)

        version = packages[self.app].manifest.version if self.app in packages else ""
        await parts.changes.make(decide, message=f"{self.app} updated to {version}", app=self.app)

    async def _discard(self, parts: JobParts) -> None:
        for name in self.updates:
            with contextlib.suppress(NodeError):  # what is left is swept at the next start
                await parts.way_back.store.delete(name, self.snapshot)

    async def _reject(self, parts: JobParts, tracker: Tracker, failure: OperationFailure) -> Self:
        """Stop what does not work, and write down that it goes back, also where it has filled the disk."""
        # The room comes last, or what does not work takes it too; where Podman needs it to stop that, it comes all the
        # same.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHOUT_ROOM):
                await parts.way_back.suspend(self.updates)
        await parts.way_back.store.room.give(self.updates)
        try:
            await parts.way_back.suspend(self.updates)
        except NodeError as error:
            # What does not work must not run on, and nothing of its data is changed.
            await parts.way_back.give_up(self.updates, self.app)
            raise _stuck(self, failure, error.message) from error
        return await self._at(tracker, UpdateStage.BACK, failure=failure, rejected=stamp(datetime.now(UTC)))

    # --- back -------------------------------------------------------------------------------------------------------

    async def _go_back(self, parts: JobParts, tracker: Tracker) -> None:
        """Put back what was there before, and fail with what happened."""
        job, way, failure = self, parts.way_back, self.failure
        assert failure is not None, "stored with the stage"
        if self.stage is UpdateStage.BACK:
            await tracker.more_steps(tuple(map(back_step, self.updates)))
            aside = SnapshotOrder(self.rejected, SnapshotKind.REJECTED, together=self.updates)
            new = tuple(name for name in self.packages or () if name not in self.updates)
            try:
                await way.put_back(tracker, self.updates, self.snapshot, aside, new)
            except Exception as error:  # whatever it is, half of the data may be back
                await way.give_up(self.updates, self.app)
                raise _stuck(self, failure, str(error)) from error
            job = await self._at(tracker, UpdateStage.FORMER)
        way.release(self.updates)
        for name in self.updates:
            await way.store.delete_spent(name, self.snapshot)  # its volumes are in use again
            await way.store.thin_out(name)
        await parts.reconciler.settled(self.updates)
        state = await parts.readiness.state_of(filter(parts.reconciler.desired.wanted, self.updates))
        raise _rejection(job, failure, state)


def _failure(error: NodeError | PodmanError) -> OperationFailure:
    if isinstance(error, NodeError):
        return OperationFailure(code=error.code, message=error.message, hint=error.hint, data=error.data)
    return OperationFailure(code=code_of(error), message=str(error))


def _broken_as_before(job: UpdateJob, failure: OperationFailure) -> NodeError:
    return NodeError(
        ErrorCode(failure.code),
        failure.message,
        hint=msg(
            "it did not work before either, so the new version stays; to go back: archipelago update {app} --undo",
            app=job.app,
        ),
        data=failure.data,
    )


def _rejection(job: UpdateJob, failure: OperationFailure, state: str) -> NodeError:
    return NodeError(
        ErrorCode(failure.code),
        msg(
            "{message}; the version before and its data of before the update are back{state}",
            message=failure.message,
            state=msg(", but {state}", state=state) if state else "",
        ),
        hint=msg(
            "what the new version left is the snapshot {rejected}: archipelago snapshot list {app}",
            rejected=job.rejected,
            app=job.app,
        ),
        data={**failure.data, "rejected": job.rejected},
    )


def _stuck(job: UpdateJob, failure: OperationFailure, error: str) -> NodeError:
    return NodeError(
        ErrorCode(failure.code),
        msg(
            "{message}; the data of before cannot be put back, so {apps} stay stopped: {error}",
            message=failure.message,
            apps=", ".join(job.updates),
            error=error,
        ),
        hint=msg(
            "nothing is lost: 'archipelago snapshot list {app}' shows the snapshots {snapshot} (before) and {rejected}",
            app=job.app,
            snapshot=job.snapshot,
            rejected=job.rejected,
        )
        if job.rejected
        else msg("nothing is lost: its data of before is the snapshot {snapshot}", snapshot=job.snapshot),
        data=dict(failure.data),
    )


def _is_kept(records: Records, packages: dict[str, str]) -> bool:
    return all(
        name in records and records[name].package.package_digest() == digest for name, digest in packages.items()
    )


def _installed(records: Records, proposal: Proposal) -> dict[str, str]:
    return {app: records[app].package.package_digest() for app in updated(records, proposal.packages)}
