"""What the owner has done of setting the node up."""

from archipelago.api.system import SetupProgress, SetupStep
from archipelago.storage.stores.state import State

_FACT = "setup-done"


class SetupSteps:
    """Remembers the steps that are done."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def progress(self) -> SetupProgress:
        """Return the steps that are done."""
        done = (await self._state.found_fact(_FACT)).split()
        return SetupProgress(done=tuple(step for step in SetupStep if step.value in done))

    async def done(self, step: SetupStep) -> SetupProgress:
        """Remember that a step is done; return all that are."""
        found = {*(await self.progress()).done, step}
        await self._state.set_fact(_FACT, " ".join(sorted(each.value for each in found)))
        return await self.progress()
