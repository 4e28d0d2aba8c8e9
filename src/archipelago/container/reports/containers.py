"""Which containers of an app are meant."""

from collections.abc import Awaitable, Callable

from archipelago.container.desired.state import DesiredApp
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError

Installed = Callable[[str], Awaitable[DesiredApp]]
"""Returns an installed app; raises `NodeError`."""


def chosen(found: DesiredApp, container: str | None) -> tuple[ContainerWorkload, ...]:
    """Return the named container of an app, or all of them, the first one first. Raises `NodeError`."""
    workloads = found.workload.containers
    if found.problem:
        raise NodeError(
            ErrorCode.NOT_RUNNING,
            f"{found.record.app} cannot be looked at: {found.problem}",
            hint=f"update or remove it: 'archipelago update {found.record.app}'",
        )
    if container is None:
        return workloads
    chosen = tuple(wanted for wanted in workloads if wanted.container == container)
    if not chosen:
        names = [wanted.container for wanted in workloads]
        raise NodeError(
            ErrorCode.UNKNOWN_CONTAINER,
            f"{found.record.app} has no container {container!r}",
            hint=f"it has {', '.join(names)}",
            data={"containers": names},
        )
    return chosen
