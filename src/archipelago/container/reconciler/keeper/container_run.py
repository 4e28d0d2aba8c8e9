"""One run of a container, of which the end is noticed at once."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archipelago.api.health import Health
from archipelago.container.podman_client.models import ContainerDetails, ContainerSummary
from archipelago.support.process import process_exit, process_start, seconds_since


@dataclass(frozen=True, slots=True)
class Remembered:
    """How a run was when an earlier life of the daemon looked at it last."""

    run: str
    """Key of the run (`run_key`): of another run of the same container it says nothing."""
    health: Health


class Run:
    """A run that is going on: over when its first process has ended, or conmon, which holds its log and its ports.

    Podman reports an end a quarter of a second late, and without conmon not at all.
    """

    def __init__(
        self, details: ContainerDetails, container: str, start: int | None, on_end: Callable[[], None]
    ) -> None:
        """Take what Podman knows of it, its container by the name in the manifest, and when its process started.

        `start` is in ticks since the boot (`process_start`); None where the process has ended.
        """
        self.details = details
        self.container = container
        self.key = run_key(details, start)
        """What distinguishes this run from every other one, also in another life of the daemon."""
        self._started = time.monotonic() - (0.0 if start is None else seconds_since(start))
        self.over_since: float | None = None
        """When it was noticed to be over, on the monotonic clock."""
        self._answers_since: float | None = None
        self._answered_until: float | None = None
        self._on_end = on_end
        self._task = asyncio.create_task(self._watch(details.pid, details.conmon_pid))

    @property
    def age(self) -> float:
        """Seconds for which it has run, or did. By the kernel: a clock that was set since its start changes nothing."""
        return max(0.0, (self.over_since or time.monotonic()) - self._started)

    def note(self, *, answers: bool) -> None:
        """Take note of whether it is healthy, or syncing, as of now."""
        now = time.monotonic()
        if answers:
            self._answers_since = self._answers_since or now
            self._answered_until = None
        elif self._answered_until is None:
            self._answered_until = now

    @property
    def healthy_for(self) -> float:
        """Seconds from its first answer to its last."""
        if self._answers_since is None:
            return 0.0
        return max(0.0, (self._answered_until or self.over_since or time.monotonic()) - self._answers_since)

    def close(self) -> None:
        """Watch no longer; the container goes on."""
        self._task.cancel()

    async def _watch(self, *pids: int) -> None:
        ends = [asyncio.create_task(process_exit(pid)) for pid in pids]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        self.over_since = time.monotonic()
        self._on_end()


def run_key(found: ContainerDetails | ContainerSummary, start: int | None) -> str:
    """Return the key of the run that Podman shows of a container; `start` is that of its process (`process_start`)."""
    return f"{found.id} {found.pid} {start}"


def run_keys(running: Iterable[ContainerSummary]) -> dict[str, str]:
    """Return the keys of the runs that go on, by what an earlier life of the daemon may have called each."""
    keys: dict[str, str] = {}
    for found in running:
        key = run_key(found, process_start(found.pid))
        keys |= {key: key, _former_run_key(found): key}
    return keys


def _former_run_key(found: ContainerSummary) -> str:
    """Return the key that an earlier version of the node gave to a run."""
    started = int(found.started_at.timestamp()) if found.started_at is not None else 0
    return f"{found.id} {found.pid} {started}"
