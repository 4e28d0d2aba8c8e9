"""Installs an app, or several in one plan, with all that it needs."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from archipelago.api.operations import Operation
from archipelago.container.dependency_resolver.errors import ResolutionError
from archipelago.container.dependency_resolver.plan import Plan, Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.manifest.exposure import LOOPBACK
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.package import AppPackage
from archipelago.container.operations.changes.planned_records import PLAN_STEP, planned_records
from archipelago.container.operations.changes.removal import lacking_data, release_slots, take_back
from archipelago.container.operations.changes.starts import start_step
from archipelago.container.operations.changes.turn import TurnResult
from archipelago.container.operations.changes.updates_first import split, updated_by
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.jobs.update import MeasuredUpdate, UpdateJob
from archipelago.container.operations.opening_job import Errand, OpeningJob
from archipelago.container.operations.tracker import Tracker
from archipelago.container.proposals.downgrades import require_none
from archipelago.container.proposals.proposal import Proposal, another_plan, touched
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import OperationState
from archipelago.support.ports import require_free
from archipelago.support.texts.text import joined, msg


class InstallJob(OpeningJob):
    """The plan that the owner agreed to is the one that is carried out, or the installation fails and says why.

    Where it needs a newer version of an installed app, that is updated first, by an operation of its own, which ends as
    any update does: with the new version, or with the one before, and then nothing is installed. A cancel of the
    installation leaves updates that are done.
    """

    kind = "install"

    options: dict[str, Scalar]
    """What the owner set of the app, of the options' own types."""
    choices: dict[str, str]
    """Interface -> the provider that the owner chose for it."""
    start: bool
    also: tuple[str, ...] = ()
    """Further apps that were asked for; the oldest rows have none."""
    packages: dict[str, str] | None = None
    """Digest of the package of each app that it brings, in the order in which they start; None in the oldest rows."""
    plan: str | None = None
    """Digest of the plan that the owner agreed to; None in old rows: any plan of these packages."""
    without_data: tuple[str, ...] = ()
    """Those of the new apps that had no data before: a cancel deletes what they have by then."""
    updates: dict[str, str] = Field(default={})
    """Installed apps that are updated first -> digest of the plan of each update; none once that is done."""

    @classmethod
    async def requested(
        cls,
        parts: JobParts,
        app: str,
        options: Mapping[str, object],
        choices: Mapping[str, str],
        *,
        start: bool,
        also: tuple[str, ...] = (),
        agreed: str | None,
        downgrade: bool,
    ) -> Self:
        """Plan an installation. Raises `NodeError` where it cannot be, or is not what was `agreed`."""
        records = await parts.state.load_apps()
        if app in records:
            raise NodeError(
                ErrorCode.ALREADY_INSTALLED,
                msg("{app} is already installed", app=app),
                hint=msg(
                    "'archipelago status {app}' shows it; 'archipelago config {app}' changes its options", app=app
                ),
            )
        proposal = await parts.planner.plan(app, options, choices, also)
        proposal.require(agreed)
        parts.require_room()
        if not downgrade:
            require_none(await parts.downgrades.find(proposal.plan, records))
        await require_free(proposal.plan.asks.ports, str(LOOPBACK))
        job = cls(app=app, options=dict(proposal.options), choices=dict(choices), start=start, also=also)
        if not (updates := updated_by(proposal.plan)):
            return await job._with(parts, proposal)
        if agreed is None:
            raise _not_agreed(app, updates)
        found = await split(parts.planner, records, job.request, app, proposal)
        return (await job._with(parts, found.installation)).model_copy(update={"updates": dict(found.updates)})

    async def _with(self, parts: JobParts, proposal: Proposal) -> Self:
        return self.model_copy(
            update={
                "apps": touched(proposal.plan),
                "packages": proposal.digests,
                "plan": proposal.plan.digest,
                "without_data": await lacking_data(parts, proposal.packages),
            }
        )

    async def completed(self, parts: JobParts) -> Self:
        """Plan what an older row does not say; nothing is brought back of one that is installed already."""
        if self.version > 0:
            return self
        if self.app in await parts.state.load_apps():
            return self.model_copy(update={"packages": {}})
        proposal = await parts.planner.plan(self.app, self.options, self.choices, self.also)
        proposal.require(self.plan, self.packages)
        return await self._with(parts, proposal)

    @property
    def asked(self) -> tuple[str, ...]:
        """The apps that were asked for."""
        return (self.app, *self.also)

    @property
    def new(self) -> tuple[str, ...]:
        """The apps that it installs, in the order in which they start."""
        return tuple(self.packages or ())

    @property
    def started(self) -> tuple[str, ...]:
        """Those of the new apps that are to run."""
        return tuple(name for name in self.new if self.start or name not in self.asked)

    @property
    def request(self) -> Request:
        """What is resolved."""
        return Request(install=self.asked, choices=self.choices, options={self.app: self.options})

    @property
    def touches(self) -> frozenset[str]:
        """What it works on: not those that are updated first, as each update locks its own."""
        return frozenset((self.app, *self.new)) if self.updates else super().touches

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Update what has to be, fetch the images, keep the plan, and wait until the apps are ready."""
        if self.app in await parts.state.load_apps():  # a crash came after the plan was kept
            await parts.starts.wait(tracker, self.asked)
            return
        steps = (*map(image_step, self.new), PLAN_STEP, *map(start_step, self.started))
        await tracker.steps((*map(update_step, self.updates), *steps))
        if self.updates:
            await self._update_first(parts, tracker)
        packages = await parts.planner.packages(self.packages or {})
        async with parts.fetcher.fetched(tracker, packages):
            await tracker.begin(PLAN_STEP)
            try:
                plan = await self._store_plan(parts, packages)
            except NodeError:
                await release_slots(parts, self.without_data)
                raise
        await tracker.finish(PLAN_STEP)
        awaited = (name for name in touched(plan) if name in self.started or name not in self.new)
        await parts.starts.wait(tracker, tuple(awaited))

    async def _update_first(self, parts: JobParts, tracker: Tracker) -> None:
        """Return once all updates are done, and nobody else works on what is touched. Raises `NodeError`."""
        for app, plan in self.updates.items():
            await tracker.begin(update_step(app))
            try:
                ended = await self.ended_operation(parts, tracker, _update(parts, app, plan))
            except NodeError as error:
                raise _not_updated(self.app, app, error.code, error.message, error.hint) from error
            if ended is not None and ended.state is not OperationState.DONE:
                raise _update_failed(self.app, app, ended)
            await tracker.finish(update_step(app), "")
        done = self.model_copy(update={"updates": {}, "waits_for": "", "waits_at": ""})
        while not tracker.lock(done.touches):
            await tracker.until_free(done.touches)
        await tracker.store(done.arguments)

    async def _store_plan(self, parts: JobParts, packages: Mapping[str, AppPackage]) -> Plan:
        stopped = () if self.start else self.asked

        async def decide(records: Records) -> TurnResult:
            proposal = await parts.planner.plan_again(records, self.request, self.app)
            proposal.require(self.plan, self.packages)
            plan, slot = proposal.plan, parts.state.take_slot
            return TurnResult(
                await planned_records(slot, plan, records, packages, {self.app: self.options}, stopped), plan
            )

        outcome = await parts.changes.make(decide, message=f"{', '.join(self.new)} installed", app=self.app)
        assert outcome.plan is not None
        return outcome.plan

    async def undo(self, parts: JobParts) -> None:
        """Remove what was installed; only data that this installation made goes with it."""
        message = f"installation of {self.app} cancelled"
        try:
            await take_back(parts, self.new, self.without_data, message=message, app=self.app)
        except ResolutionError:
            # Meanwhile another app came to rely on what was installed along with this one.
            asked = tuple(name for name in self.new if name in self.asked)
            await take_back(parts, asked, self.without_data, message=message, app=self.app)


def update_step(app: str) -> str:
    """Return the name of the step in which an app is updated."""
    return msg("update {app}", app=app)


def _update(parts: JobParts, app: str, plan: str) -> Errand:
    """Return the errand of an update to which the owner has agreed, as if he had asked for it alone."""
    measured: list[MeasuredUpdate] = []

    async def has_it() -> bool:
        package = (await parts.catalog.read()).package(app)
        return (await parts.planner.installed(app)).package.package_digest() == package.package_digest()

    async def check() -> None:
        if not await has_it():
            record = await parts.planner.installed(app)
            measured[:] = [await UpdateJob.measure(parts, record, agreed=plan, downgrade=False)]

    async def job() -> Job | None:
        if await has_it():
            return None
        if not measured:
            raise another_plan()
        record = await parts.planner.installed(app)
        return await UpdateJob.requested(parts, record, measured[0], agreed=plan, downgrade=False)

    return Errand(update_step(app), app, job, check)


def _not_agreed(app: str, updates: tuple[str, ...]) -> NodeError:
    names = joined(updates, ", ")
    return NodeError(
        ErrorCode.INVALID_VALUE,
        msg("{app} needs a newer version of {names}, to whose update you have not agreed", app=app, names=names),
        hint=msg("look at the plan and agree to it: 'archipelago install {app}', or the digest of 'plan'", app=app),
        data={"updates": list(updates)},
    )


def _not_updated(app: str, provider: str, code: str, why: str, hint: str) -> NodeError:
    return NodeError(
        ErrorCode(code),
        msg("{provider} was not updated, so {app} was not installed: {why}", provider=provider, app=app, why=why),
        hint=hint,
        data={"app": provider},
    )


def _update_failed(app: str, provider: str, ended: Operation) -> NodeError:
    error = ended.error
    assert error is not None, "it did not end well"
    return _not_updated(app, provider, error.code, error.message, error.hint)
