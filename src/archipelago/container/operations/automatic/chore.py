"""Installs the updates that the owner wants installed by themselves, at night, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from packaging.version import Version

from archipelago.api.health import HealthState
from archipelago.api.operations import Operation
from archipelago.backups.targets import TargetStore
from archipelago.container.data.data_classes import funds_volumes
from archipelago.container.manifest.variants import in_force
from archipelago.container.operations.automatic.choice import AutomaticUpdateChoice
from archipelago.container.operations.automatic.decision import (
    BackedUp,
    EvenClock,
    Moment,
    Turn,
    UpdateOffer,
    decide,
)
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.operations import Operations
from archipelago.container.operations.update_stage import UpdateStage
from archipelago.container.operations.way_back import updated
from archipelago.container.proposals.new_rights import new_rights
from archipelago.container.proposals.proposal import Proposal
from archipelago.errors import NodeError
from archipelago.performance.resource_manager.disk_level import DiskLevel
from archipelago.security.audit.chain import NODE, AuditAction, Outcome
from archipelago.storage.records.apps import AppRecord
from archipelago.storage.records.automatic_updates import AutomaticUpdate
from archipelago.storage.records.operations import OperationRecord, OperationState
from archipelago.support.forever import repeat_forever

_SETTLE = 300.0
"""Seconds after the start until the first look: apps come first, and the clock may not be set yet."""
_LOOK = 60.0
_AGAIN = 3600.0
"""Seconds until an update is tried again that failed before anything of the app was changed."""
_WAIT = 600.0
_RECENT = 20
"""Newest operations that are looked at for one that runs."""


@dataclass(slots=True)
class AutomaticUpdates:
    """Looks what the catalog has for the apps that their owner chose, and installs what may be installed."""

    choice: AutomaticUpdateChoice
    parts: JobParts
    operations: Operations
    targets: TargetStore
    update: Callable[[str, str], Awaitable[Operation]]
    """Opens the update of an app, by the digest of its plan."""
    disk_level: Callable[[], DiskLevel]
    steady: Callable[[], float]
    """Seconds of a clock that never jumps, and goes on while the machine sleeps."""
    node: str
    """Id of this node."""
    record_audit: Callable[[AuditAction], Awaitable[object]]
    _clock: EvenClock | None = None
    _not_before: dict[str, float] = field(default_factory=dict)
    """App -> when it may be tried again, by the steady clock."""

    async def run(self) -> None:
        """Look for ever."""
        await asyncio.sleep(_SETTLE)
        log = structlog.get_logger("updates")
        await repeat_forever(self.look, _LOOK, log, "updates are not installed by themselves")

    async def look(self) -> None:
        """Do what is due now. Raises `NodeError`."""
        self._watch_clock()
        chosen = await self.choice.all()
        for app in self.choice.obstacles.keys() - chosen.keys():
            del self.choice.obstacles[app]
        for app, record in sorted(chosen.items()):
            if record.operation:
                await self._note_end(app, record.operation)
            await self._look_at(app)
            self._watch_clock()  # an update takes minutes, in which the clock may have been set

    def _watch_clock(self) -> None:
        wall, steady = self.choice.now().timestamp(), self.steady()
        before = self._clock
        self._clock = EvenClock.started(wall, steady) if before is None else before.looked_at(wall, steady)

    async def _look_at(self, app: str) -> None:
        chosen, records = await self.choice.all(), await self.parts.state.load_apps()
        if app not in chosen or app not in records:
            return
        offered = await self._offered(records[app])
        if offered is None:
            self.choice.obstacles.pop(app, None)
            return
        if chosen[app].operation or self.steady() < self._not_before.get(app, 0.0):
            return
        found = chosen[app]
        proposal, problem = await self._planned(app)
        offer = UpdateOffer(offered, tried=found.tried == offered, failure=found.failure, problem=problem)
        if proposal is not None:
            offer = await self._with_plan(offer, app, proposal, records, chosen)
        verdict = decide(offer, await self._moment(app, proposal, records), await self.choice.window())
        self.choice.obstacles[app] = verdict.why
        if verdict.turn is Turn.NOW and proposal is not None:
            await self._install(records[app], offered, proposal)

    async def _offered(self, record: AppRecord) -> str | None:
        """Return the newer version that the catalog has; None where it has none."""
        package = (await self.parts.catalog.read()).packages.get(record.app)
        if package is None or Version(package.manifest.version) <= Version(record.package.manifest.version):
            return None
        return package.manifest.version

    async def _planned(self, app: str) -> tuple[Proposal | None, str]:
        try:
            return await self.parts.planner.plan_update(app), ""
        except NodeError as error:
            return None, error.message

    async def _with_plan(
        self,
        offer: UpdateOffer,
        app: str,
        proposal: Proposal,
        records: dict[str, AppRecord],
        chosen: dict[str, AutomaticUpdate],
    ) -> UpdateOffer:
        new, gone = proposal.packages, updated(records, proposal.packages)
        return UpdateOffer(
            offer.version,
            tried=offer.tried,
            failure=offer.failure,
            problem=next((records[name].package.problem for name in gone if records[name].package.problem), ""),
            rights=tuple(
                right
                for name in gone
                for right in new_rights(records[name].manifest, in_force(new[name].manifest, records[name].options))
            ),
            installs=tuple(name for name in new if name not in records),
            others=tuple(name for name in gone if name not in chosen),
            leads_back=await self._leads_back(records, proposal),
            funds=any(funds_volumes(records[name], new[name].manifest) for name in gone),
        )

    async def _leads_back(self, records: dict[str, AppRecord], proposal: Proposal) -> bool:
        try:
            return await self.parts.way_back.is_possible(records, proposal.packages)
        except NodeError:
            return False

    async def _moment(self, app: str, proposal: Proposal | None, records: dict[str, AppRecord]) -> Moment:
        apps = updated(records, proposal.packages) if proposal is not None else (app,)
        recent = await self.operations.newest(None, _RECENT)
        assert self._clock is not None, "looked at first"
        return Moment(
            now=self.choice.now(),
            even_for=self._clock.even_for,
            busy=any(not each.state.ended for each in recent),
            healthy=all(self.parts.reconciler.health(name).state is HealthState.HEALTHY for name in apps),
            disk_short=self.disk_level() >= DiskLevel.LITTLE,
            backups=tuple([await self._backed_up(name) for name in apps]),
        )

    async def _backed_up(self, app: str) -> tuple[BackedUp, ...]:
        found = []
        for name in await self.targets.names():
            if not (await self.targets.get(name)).scheduled:
                continue
            history = (await self.targets.history(name)).of(app)
            passed = history.proof is not None and history.proof.tried and history.proof.passed
            proved = history.proof.at if history.proof is not None else None
            found.append(BackedUp(f"{self.node}/{name}", history.newest, passed=passed, proved=proved))
        return tuple(found)

    async def _install(self, record: AppRecord, version: str, proposal: Proposal) -> None:
        """Install an update. That it is tried is written down first, so that a crash does not make it try for ever."""
        app = record.app
        await self._audit(app, version, Outcome.BEGUN)
        await self.choice.note(app, tried=version, before=record.package.manifest.version, failure="", at=0.0)
        try:
            operation = await self.update(app, proposal.plan.digest)
        except NodeError as error:
            await self.choice.note(app, tried="")
            await self._audit(app, version, Outcome.REFUSED)
            self._give_up_for_now(app, error.message)
            return
        await self.choice.note(app, operation=operation.id)
        await self.parts.state.record("app", app, f"{app} is updated to {version} by itself", {"action": "update"})
        while not operation.state.ended:
            operation = await self.operations.wait(operation.id, _WAIT)
        await self._note_end(app, operation.id)

    def _give_up_for_now(self, app: str, why: str) -> None:
        self.choice.obstacles[app] = why
        self._not_before[app] = self.steady() + _AGAIN

    async def _audit(self, app: str, version: str, outcome: Outcome) -> None:
        subject = {"app": app, "version": version}
        await self.record_audit(
            AuditAction(who=NODE, origin="", action="container-update", subject=subject, outcome=outcome)
        )

    async def _note_end(self, app: str, operation: str) -> None:
        """Write down what came of an update that has ended, also of one that another life of the daemon started."""
        try:
            if not (await self.operations.get(operation)).state.ended:
                return
            ended = await self.parts.state.operation(operation)
        except NodeError:
            await self.choice.note(app, operation="")  # nobody knows any more: it was tried
            return
        version = (await self.choice.all())[app].tried
        await self._audit(app, version, Outcome.DONE if ended.state is OperationState.DONE else Outcome.FAILED)
        why = ended.error.message if ended.error is not None else ""
        if ended.state is OperationState.DONE:
            await self.choice.note(app, operation="", at=self.choice.now().timestamp())
        elif _changed_nothing(ended):
            await self.choice.note(app, operation="", tried="")
            self._give_up_for_now(app, why)
        else:
            await self.choice.note(app, operation="", failure=why)


def _changed_nothing(ended: OperationRecord) -> bool:
    """Return whether an update failed before anything of the app was changed: its image could not be fetched."""
    return ended.state is OperationState.FAILED and ended.arguments.get("stage", UpdateStage.FETCH) == UpdateStage.FETCH
