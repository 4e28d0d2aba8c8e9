"""What a job about the whole node needs of those who run jobs: it opens an operation for each app, and follows it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from archipelago.api.operations import Operation

if TYPE_CHECKING:
    from archipelago.container.operations.job import Job


class JobOpener(Protocol):
    """Opens operations on behalf of another one (`JobRunner`)."""

    @property
    def closing(self) -> bool:
        """Whether the node goes down: what is interrupted now goes on at the next start."""
        ...

    async def open_planned(self, app: str, plan: Callable[[], Awaitable["Job | None"]]) -> Operation | None:
        """Open the job that is planned of an app, of which nobody else opens one meanwhile; None where there is none.

        Raises `NodeError`: BUSY where an operation works on the app.
        """
        ...

    async def follow(self, operation: str, on_change: Callable[[Operation], Awaitable[None]]) -> Operation:
        """Call `on_change` at each change of an operation, and return it once it has ended. Raises `NodeError`."""
        ...

    async def leave(self, operation: str) -> None:
        """Cancel an operation; one that is past that point goes on to its end by itself."""
        ...
