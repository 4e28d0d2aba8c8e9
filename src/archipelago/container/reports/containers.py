"""Which containers of an app are meant."""

from collections.abc import Awaitable, Callable

from archipelago.container.desired.state import DesiredApp
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

Installed = Callable[[str], Awaitable[DesiredApp]]
"""Returns an installed app; raises `NodeError`."""


def chosen(found: DesiredApp, container: str | None) -> tuple[ContainerWorkload, ...]:
    """Return the named container of an app, or all of them, the first one first. Raises `NodeError`."""
    workloads = found.workload.containers
    if found.problem:
        raise NodeError(
            ErrorCode.NOT_RUNNING,
            msg("{app} cannot be looked at: {problem}", app=found.record.app, problem=found.problem),
            hint=msg("update or remove it: 'archipelago update {app}'", app=found.record.app),
        )
    if container is None:
        return workloads
    chosen = tuple(wanted for wanted in workloads if wanted.container == container)
    if not chosen:
        names = [wanted.container for wanted in workloads]
        raise NodeError(
            ErrorCode.UNKNOWN_CONTAINER,
            msg("{app} has no container {container}", app=found.record.app, container=f"{container!r}"),
            hint=msg("it has {names}", names=", ".join(names)),
            data={"containers": names},
        )
    return chosen
