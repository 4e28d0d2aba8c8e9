"""Splits the installation of an app that needs newer versions of installed ones: those are updated first."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.dependency_resolver.plan import Action, Plan, Request
from archipelago.container.desired.installed_apps import Records
from archipelago.container.operations.changes.planned_records import planned_records
from archipelago.container.proposals.planner import Planner
from archipelago.container.proposals.proposal import Proposal
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import joined, msg


@dataclass(frozen=True, slots=True)
class UpdatesFirst:
    """What is carried out one after the other for one plan that an owner agrees to."""

    updates: Mapping[str, str]
    """App -> digest of the plan of its update, in the order in which they are made."""
    installation: Proposal
    """What is left to do once they are done."""


def updated_by(plan: Plan) -> tuple[str, ...]:
    """Return the apps that a plan updates, in the order in which they start."""
    return tuple(planned.app for planned in plan.apps if planned.action is Action.UPDATE)


async def split(planner: Planner, records: Records, request: Request, app: str, whole: Proposal) -> UpdatesFirst:
    """Return the parts of an installation; `whole` is the proposal of its request.

    Raises `NodeError` where they would be anything else than the whole.
    """
    updates: dict[str, str] = {}
    packages: dict[str, str] = {}
    for name in updated_by(whole.plan):
        if name in packages:
            continue  # the versions of another one bind it
        found = await planner.plan_again(records, Request(update=(name,)), name)
        updates[name] = found.plan.digest
        packages |= found.digests
        records = await planned_records(_no_slot, found.plan, records, found.packages)
    installation = await planner.plan_again(records, request, app)
    if {**packages, **installation.digests} != whole.digests or updated_by(installation.plan):
        names = joined(sorted(updates), ", ")
        raise NodeError(
            ErrorCode.UNRESOLVABLE,
            msg("{app} needs other versions of {names}, which do not come by an update alone", app=app, names=names),
            hint=msg("update them, then install {app}: 'archipelago update APP'", app=app),
            data={"apps": sorted(updates)},
        )
    return UpdatesFirst(updates, installation)


async def _no_slot(_: str) -> int:
    """Return what stands for the user ids of an app that is only planned."""
    return 0
