"""Changes of what is installed. Whatever changes it reads, decides and writes within one turn.

So no operation puts back what another one has changed meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace

from archipelago.container.dependency_resolver.plan import Plan
from archipelago.container.desired.composer import Composer
from archipelago.container.desired.installed_apps import Records, installed
from archipelago.container.desired.state import DesiredState
from archipelago.container.manifest.exposure import OnionAccess, require_onion, require_switch
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.proposals.consequences import require_needs_run
from archipelago.container.proposals.planner import Planner
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.storage.records.apps import AppRecord, Desired
from archipelago.storage.stores.state import State


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn decides."""

    records: Records
    """Records that may have changed; the others stay."""
    plan: Plan | None = None
    """The plan that these records carry out, where the turn has made one: it is compiled, and not resolved again."""


Decide = Callable[[Records], Awaitable[TurnResult]]


class Changes:
    """Keeps records, and has the reconciler carry them out."""

    def __init__(self, state: State, composer: Composer, reconciler: Reconciler, planner: Planner) -> None:
        self._state = state
        self._composer = composer
        self._reconciler = reconciler
        self._planner = planner
        self._changing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[Records]:
        """Return the records, which nobody else changes as long as this lasts."""
        async with self._changing:
            yield await self._state.load_apps()

    async def apply(self) -> None:
        """Compile what is installed and have it kept so."""
        async with self.turn() as records:
            await self.compile_again(records)

    async def compile_again(self, records: Records) -> None:
        """Compile the records of a turn, and have them carried out; an app of which something is wrong stays as it is.

        It must not keep the node from its start, nor the others from new secrets.
        """
        self._reconciler.apply(await self._composer.compose(records, records))

    async def make(
        self, decide: Decide, *, remove: Collection[str] = (), tolerant: bool = False, message: str, app: str
    ) -> TurnResult:
        """Have `decide` turn the records into those that change; compile, keep and apply them.

        Compiled first, so that nothing is kept that cannot be carried out. `tolerant` is for what must be possible
        whatever the templates of an app say about it.
        """
        async with self.turn() as records:
            left = {name: record for name, record in records.items() if name not in remove}
            outcome = await decide(left)
            changed = {name: record for name, record in outcome.records.items() if differs(records.get(name), record)}
            # What was broken before is not the fault of this change.
            tolerated = records.keys() if tolerant else self._reconciler.desired.broken - changed.keys()
            after = {**left, **changed}
            if outcome.plan is None:
                desired = await self._composer.compose(after, tolerated)
            else:
                desired = await self._composer.compile(after, outcome.plan, tolerated)
            if not tolerant:
                await self._planner.require_disk(desired.plan, {name: each.package for name, each in after.items()})
            await self._state.save(tuple(changed.values()), remove=tuple(remove), message=message, app=app)
            self._reconciler.apply(desired)
            return outcome

    async def desire(self, apps: Collection[str], desired: Desired, *, message: str, app: str) -> None:
        """Have apps run or stopped from now on; those that are not installed any more are left out."""

        async def decide(records: Records) -> TurnResult:
            return TurnResult(with_desired(records, apps, desired))

        await self.make(decide, tolerant=True, message=message, app=app)

    async def try_out(self, app: str, given: Mapping[str, Scalar], reset: Collection[str]) -> tuple[DesiredState, str]:
        """Return what would be desired with other options of an app, and the digest of the plan where it brings apps.

        Raises `NodeError`.
        """
        # In turn as well: to compile makes the secrets of an app, which must not happen while it is removed.
        async with self.turn() as records:
            options = changed_options(installed(records, app).options, given, reset)
            tolerated = self._reconciler.desired.broken - {app}
            changed = {**records, app: replace(records[app], options=options)}
            digest = ""
            if records[app].package.manifest.variants:
                found = await self._planner.settle(changed, app)
                require_needs_run(app, records, found.plan)
                digest = found.plan.digest if found.packages else ""
                desired = await self._composer.foresee(changed, found.plan, found.packages, tolerated)
            else:
                desired = await self._composer.compose(changed, tolerated)
            await self._planner.require_disk(desired.plan, {n: each.record.package for n, each in desired.apps.items()})
            return desired, digest

    async def set_open(self, app: str, endpoint: str, *, opened: bool) -> None:
        """Have an endpoint open or closed to the local network from now on; nothing restarts. Raises `NodeError`."""
        await self._planner.installed(app)  # an unknown name gets its own error, with the nearest names

        async def decide(records: Records) -> TurnResult:
            record = installed(records, app)
            require_switch(app, record.package.manifest.endpoints, endpoint, record.ports, opened=opened)
            return TurnResult({app: replace(record, lan={**record.lan, endpoint: opened})})

        way = "opened to the local network" if opened else "closed to the local network"
        await self.make(decide, tolerant=True, message=f"{endpoint} of {app} {way}", app=app)

    async def set_onion(self, app: str, endpoint: str, access: OnionAccess) -> None:
        """Say who reaches an endpoint through Tor from now on; nothing restarts. Raises `NodeError`."""
        await self._planner.installed(app)

        async def decide(records: Records) -> TurnResult:
            record = installed(records, app)
            require_onion(app, record.package.manifest.endpoints, endpoint, access)
            return TurnResult({app: replace(record, tor={**record.tor, endpoint: access.value})})

        way = {
            OnionAccess.OFF: "is not reached through Tor any longer",
            OnionAccess.CLIENTS: "is reached through Tor with its client key",
            OnionAccess.PUBLIC: "is reached through Tor by everybody",
        }[access]
        await self.make(decide, tolerant=True, message=f"{endpoint} of {app} {way}", app=app)


def differs(before: AppRecord | None, after: AppRecord) -> bool:
    """Return whether something of a record is to be stored, also what a backup remembers of its volumes alone."""
    return before != after or (before is not None and before.strictest != after.strictest)


def with_desired(records: Records, apps: Collection[str], desired: Desired) -> Records:
    """Return the records of those of these apps that are installed, wanted so."""
    return {name: replace(records[name], desired=desired) for name in apps if name in records}


def changed_options(
    options: Mapping[str, Scalar], given: Mapping[str, Scalar], reset: Collection[str]
) -> dict[str, Scalar]:
    """Return the owner's options after a change: `given` set, `reset` back to their defaults."""
    return {key: value for key, value in {**options, **given}.items() if key not in reset}
