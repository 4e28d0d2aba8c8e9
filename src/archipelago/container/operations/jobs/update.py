"""Brings an app to the version of the catalog."""

from typing import Self

from archipelago.container.dependency_resolver.plan import Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.operations.changes.planned_records import PLAN_STEP, planned_records
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.changes.turn import TurnResult
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Tracker
from archipelago.container.proposals.downgrades import require_none
from archipelago.container.proposals.proposal import Proposal, touched
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


class UpdateJob(Job):
    """It can be cancelled until the new version may change the data: the old one may not be able to read it then."""

    kind = "update"

    packages: dict[str, str] | None = None
    """Digest of the package of each app that it updates or brings; None in the oldest rows."""
    plan: str | None = None
    """Digest of the plan that the owner agreed to; None in old rows: any plan of these packages."""

    @classmethod
    async def requested(cls, parts: JobParts, record: AppRecord, *, agreed: str | None, downgrade: bool) -> Self:
        """Plan an update. Raises `NodeError` where it cannot be, or is not what was `agreed`."""
        app = record.app
        package = (await parts.catalog.read()).package(app)
        if package.package_digest() == record.package.package_digest():
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg("{app} {version} is what the catalog has", app=app, version=package.manifest.version),
            )
        proposal = await parts.planner.plan_update(app)
        proposal.require(agreed)
        if not downgrade:
            require_none(await parts.downgrades.find(proposal.plan, await parts.state.load_apps()))
        return cls(app=app)._with(proposal)

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

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Fetch the images, keep the plan, and wait until the apps are ready."""
        wanted = self.packages or {}
        if _is_kept(await parts.state.load_apps(), wanted):  # a crash came after the plan was kept
            await parts.starts.wait(tracker, (self.app,))
            parts.pruner.want()
            return
        packages = await parts.planner.packages(wanted)
        await tracker.steps((*map(image_step, packages), PLAN_STEP, *map(start_step, self.apps)))

        async def decide(records: Records) -> TurnResult:
            proposal = await parts.planner.plan_again(records, Request(update=(self.app,)), self.app)
            proposal.require(self.plan, self.packages)
            plan = proposal.plan
            return TurnResult(await planned_records(parts.state.take_slot, plan, records, packages), plan)

        version = packages[self.app].manifest.version if self.app in packages else ""
        async with parts.fetcher.fetched(tracker, packages):
            # From here on the new version may change the app's data in a way that the old one cannot read.
            await tracker.commit()
            await tracker.begin(PLAN_STEP)
            await parts.changes.make(decide, message=f"{self.app} updated to {version}", app=self.app)
        await tracker.finish(PLAN_STEP)
        try:
            await parts.starts.wait(tracker, self.apps)
        finally:
            parts.pruner.want()


def _is_kept(records: Records, packages: dict[str, str]) -> bool:
    return all(
        name in records and records[name].package.package_digest() == digest for name, digest in packages.items()
    )
