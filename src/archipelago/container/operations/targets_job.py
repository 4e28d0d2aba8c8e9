"""What jobs have in common that do the same for each app on each target of backups."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.node_job import NodeJob, open_steps
from archipelago.container.operations.opening_job import Errand
from archipelago.container.operations.tracker import Tracker
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.operations import StepRecord
from archipelago.support.texts.text import msg

Pair = tuple[str, str]
"""An app and a target."""


class TargetsJob(NodeJob):
    """One target after the other, and on each one app after the other. What fails does not keep the others away."""

    pairs: tuple[Pair, ...]
    """All of a target stand together."""

    notes_problem: ClassVar[bool] = False
    """Whether a target that cannot be reached is a problem of that target, of which the owner is notified."""

    async def run_all(self, parts: JobParts, tracker: Tracker) -> None:
        """Do what is left on each target."""
        steps = {pair: self.step(*pair) for pair in self.pairs}
        await tracker.more_steps(tuple(steps.values()))
        for target in dict.fromkeys(target for _, target in self.pairs):
            of_target = [pair for pair in self.pairs if pair[1] == target]
            left = open_steps(tracker.record.steps, [steps[pair] for pair in of_target])
            # First: without its disk there is one problem, and not one of each app.
            why = await self._unreachable(parts, target) if left else ""
            for pair in of_target:
                if steps[pair] not in left:
                    continue
                if why:
                    await tracker.fail(steps[pair], why)
                else:
                    await self.carry_out(parts, tracker, self.errand(parts, *pair))

    @abstractmethod
    def errand(self, parts: JobParts, app: str, target: str) -> Errand:
        """Return what is done for an app on a target."""

    @abstractmethod
    def step(self, app: str, target: str) -> str:
        """Return the name of its step."""

    def failed_pairs(self, failures: Sequence[StepRecord]) -> Mapping[str, Any]:
        """Return which of them failed, as data of an error."""
        names = {each.name for each in failures}
        failed = [pair for pair in self.pairs if self.step(*pair) in names]
        return {"backups": [{"app": app, "target": target} for app, target in failed]}

    async def _unreachable(self, parts: JobParts, target: str) -> str:
        """Return why a target cannot be used; empty where it can."""
        work = parts.backups
        try:
            async with work.turn(target):
                await (await work.repository(await work.targets.get(target))).open()
        except NodeError as error:
            problem = error.message
            if self.notes_problem:
                await work.targets.note(target, lambda history: history.model_copy(update={"problem": problem}))
            return problem
        return ""


async def chosen_pairs(parts: JobParts, targets: Sequence[str] | None, apps: Sequence[str] | None) -> tuple[Pair, ...]:
    """Return each app with each target; None stands for all of them.

    Raises `NodeError` where there is no such target or app, or none at all.
    """
    records = await parts.state.load_apps()
    for target in targets or ():
        await parts.backups.targets.get(target)
    for app in apps or ():
        installed(records, app)
    places = dict.fromkeys(await parts.backups.targets.names() if targets is None else targets)
    wanted = dict.fromkeys(sorted(records) if apps is None else apps)
    if not places:
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("there is no target for backups"),
            hint=msg("add one: 'archipelago backup add'"),
        )
    if not wanted:
        raise NodeError(ErrorCode.NOT_INSTALLED, msg("no app is installed"))
    return tuple((app, target) for target in places for app in wanted)
