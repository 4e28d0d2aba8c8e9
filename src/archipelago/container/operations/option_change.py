"""The work of a change of options, and the way back where the new ones fail."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.operations.operations import Tracker
from archipelago.container.operations.readiness import Readiness
from archipelago.container.reconciler.reconciler import Reconciler
from archipelago.errors import NodeError
from archipelago.storage.records.apps import AppRecord

Records = dict[str, AppRecord]
Decide = Callable[[Records], Awaitable[Records]]
Undo = Callable[[], Awaitable[None]]


class ApplyChange(Protocol):
    """Turns records into those that change; compiles, keeps and applies them."""

    def __call__(self, decide: Decide, *, message: str, app: str) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class OptionChange:
    """Changes options of an app. Those before come back where their owner cancels, or where the new ones fail."""

    reconciler: Reconciler
    readiness: Readiness
    change: ApplyChange
    await_ready: Callable[[Tracker, tuple[str, ...]], Awaitable[None]]
    undone_if_cancelled: Callable[[Undo], AbstractAsyncContextManager[None]]

    async def carry_out(self, tracker: Tracker, app: str, arguments: Mapping[str, Any]) -> None:
        """Do the work of an operation; `worked` of its arguments are the apps that did their work before."""
        hashes, worked = self.reconciler.desired.hashes, arguments.get("worked", ())

        async def forth(records: Records) -> Records:
            options = changed_options(records[app].options, arguments["options"], tuple(arguments["reset"]))
            return {app: replace(records[app], options=options)}

        async def back(records: Records) -> Records:
            return {app: replace(records[app], options=arguments["before"])}

        async def undo() -> None:
            await self.change(back, message=f"change of options of {app} cancelled", app=app)

        async with self.undone_if_cancelled(undo):
            await self.change(forth, message=f"options of {app} changed", app=app)
            # After a crash the change is made already: those that it was to touch are awaited all the same.
            touched = self.reconciler.desired.touched_since(hashes)
            touched = tuple(dict.fromkeys((*touched, *arguments.get("apps", ()))))
            await tracker.steps(tuple(map(start_step, touched)))
            try:
                await self.await_ready(tracker, touched)
            except NodeError as error:
                # What did not work before does not come back: its owner may be on his way out of trouble.
                if error.data.get("app") not in worked:
                    raise
                raise await self._taken_back(app, back, touched, error) from error

    async def _taken_back(self, app: str, back: Decide, touched: tuple[str, ...], error: NodeError) -> NodeError:
        """Bring former options back, with which the apps worked; return the error that says so."""
        try:
            await self.change(back, message=f"options of {app} restored, since the new ones failed", app=app)
        except NodeError as problem:
            said = f"the former options cannot be restored: {problem.message}"
            return NodeError(error.code, f"{error.message}; {said}", hint=problem.hint or error.hint, data=error.data)
        await self.reconciler.settled(touched)
        state = ""
        for name in filter(self.reconciler.desired.wanted, touched):
            try:
                await self.readiness.wait(name, _unheard)
            except NodeError as problem:
                state = f"; so far {problem.message}"
        return NodeError(
            error.code,
            f"{error.message}; the former options are in force again{state}",
            hint=f"'archipelago logs {error.data.get('app')}' shows what the app printed with the new ones",
            data=error.data,
        )


def changed_options(
    options: Mapping[str, Scalar], given: Mapping[str, Scalar], reset: tuple[str, ...]
) -> dict[str, Scalar]:
    """Return the owner's options after a change: `given` set, `reset` back to their defaults."""
    return {key: value for key, value in {**options, **given}.items() if key not in reset}


def start_step(app: str) -> str:
    """Return the name of the step in which an app starts."""
    return f"start {app}"


async def _unheard(_: str) -> None:
    pass
