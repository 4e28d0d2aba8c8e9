"""Runs a scratch copy of an app from a snapshot, without network, for its owner to look at."""

import asyncio
from collections.abc import Sequence
from typing import Self

from archipelago.container.desired.installed_apps import installed
from archipelago.container.operations.image_fetcher import image_step
from archipelago.container.operations.job import Job
from archipelago.container.operations.job_parts import JobParts
from archipelago.container.operations.tracker import Tracker
from archipelago.container.operations.trial.forwarding import forwarded, page_address, page_ports
from archipelago.container.operations.trial.pod import TrialPod
from archipelago.container.operations.trial.scratch import TrialOrder, refuse_untriable
from archipelago.container.operations.trial.verdict import TrialOutcome, TrialVerdict
from archipelago.errors import ErrorCode, NodeError
from archipelago.storage.records.apps import AppRecord
from archipelago.support.texts.text import msg


class LookJob(Job):
    """The app itself and the snapshot stay as they are. A cancel ends the copy, and nothing of it is left."""

    kind = "snapshot-look"

    snapshot: str
    minutes: int
    """For which the copy runs once it is known how it is."""
    begun: bool = False
    """Whether it had started: a copy that ends with the node does not start again by itself."""

    @classmethod
    async def requested(cls, parts: JobParts, record: AppRecord, snapshot: str, minutes: int) -> Self:
        """Plan a look at a snapshot of an installed app. Raises `NodeError` where it cannot run from a copy."""
        parts.require_room()
        refuse_untriable(await parts.way_back.store.record(record, snapshot), record)
        return cls(app=record.app, snapshot=snapshot, minutes=minutes)

    async def run(self, parts: JobParts, tracker: Tracker) -> None:
        """Bring the copy up, and keep it for a while. Raises `NodeError` NOT_HEALTHY where it does not come up."""
        if self.begun:
            raise NodeError(
                ErrorCode.CANCELLED,
                msg("the copy of {app} ended with the node", app=self.app),
                hint=msg(
                    "look again: 'archipelago snapshot look {app} {name} --run'", app=self.app, name=self.snapshot
                ),
            )
        step = look_step(self.app)
        await tracker.steps((image_step(self.app), step))
        await tracker.store(self.model_copy(update={"begun": True}).arguments)
        record = await parts.way_back.store.record(installed(await parts.state.load_apps(), self.app), self.snapshot)
        source = parts.trials.scratch.layout.app(self.app).snapshot(self.snapshot)

        async def say(words: str) -> None:
            await tracker.progress(step, None, words)

        async def stay(pod: TrialPod, verdict: TrialVerdict) -> None:
            if not self.minutes or verdict.outcome is TrialOutcome.FAILED:
                return
            manifest = record.package.manifest
            async with forwarded(parts.backups.launch, pod.pid, page_ports(manifest)) as places:
                pages = [page_address(manifest, name, place) for name, place in places.items()]
                await say(_stay_words(_words(verdict), self.minutes, pages))
                await asyncio.sleep(self.minutes * 60)

        async with parts.fetcher.fetched(tracker, {self.app: record.package}):
            await tracker.begin(step)
            verdict = await parts.trials.run(TrialOrder(record, source), say, stay, longest_stay=self.minutes * 60)
        if verdict.outcome is TrialOutcome.FAILED:
            raise NodeError(
                ErrorCode.NOT_HEALTHY,
                msg("{app} does not come up from the snapshot: {why}", app=self.app, why=verdict.reason),
                hint=msg("the snapshot and the app stay as they are; try another snapshot"),
                data={"app": self.app, "logs": [line for lines in verdict.logs.values() for line in lines]},
            )
        await tracker.finish(step, _words(verdict))


def look_step(app: str) -> str:
    """Return the name of the step in which a copy runs."""
    return msg("run a copy of {app}", app=app)


def _stay_words(verdict: str, minutes: int, pages: Sequence[str]) -> str:
    if not pages:
        return msg("{verdict}; the copy runs for {minutes} min", verdict=verdict, minutes=minutes)
    return msg(
        "{verdict}; the copy runs for {minutes} min, and is reached from this machine alone, at {pages}",
        verdict=verdict,
        minutes=minutes,
        pages=", ".join(pages),
    )


def _words(verdict: TrialVerdict) -> str:
    if verdict.outcome is TrialOutcome.UNDECIDED:
        return msg("whether it works is not known: {why}", why=verdict.reason)
    return msg("it came up in {seconds} s", seconds=f"{verdict.seconds:.0f}")
