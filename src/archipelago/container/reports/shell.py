"""Runs commands in containers of apps: to their end, or typed to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from archipelago.api.containers import ExecResult
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import NotFound, PodmanConflict, PodmanError, PodmanTimeout
from archipelago.container.podman_client.exec.terminal import Terminal
from archipelago.container.reports.containers import Installed, chosen
from archipelago.container.workload.workload import ContainerWorkload
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_SHELLS = (("sh",), ("busybox", "sh"))
_BEST_SHELL = "command -v bash >/dev/null 2>&1 && exec bash; exec {}"
_TRY = 10.0


@dataclass(frozen=True, slots=True)
class ContainerShell:
    """Runs commands; in the first container of an app where none is named. Raises `NodeError`."""

    installed: Installed
    client: PodmanClient
    redact: Callable[[str], str]
    """Takes secrets out of what apps write."""

    async def execute(self, app: str, command: tuple[str, ...], container: str | None, timeout: float) -> ExecResult:
        """Run a command inside a container of the app."""
        found = await self.installed(app)
        wanted = chosen(found, container)[0]
        try:
            result = await self.client.containers.exec(wanted.name, command, timeout=timeout)
        except (NotFound, PodmanConflict) as error:
            raise _does_not_run(wanted) from error
        except PodmanTimeout as error:
            raise NodeError(
                ErrorCode.TIMEOUT,
                msg(
                    "'{command}' did not end within {timeout} s and was killed",
                    command=command[0],
                    timeout=f"{timeout:g}",
                ),
            ) from error
        stdout, stderr = await asyncio.to_thread(
            lambda: [self.redact(output.decode("utf-8", "replace")) for output in (result.stdout, result.stderr)]
        )
        return ExecResult(exit_code=result.exit_code, stdout=stdout, stderr=stderr, truncated=result.truncated)

    async def attach(
        self, app: str, command: tuple[str, ...], container: str | None, size: tuple[int, int] | None, *, stdin: bool
    ) -> Terminal:
        """Run a command that is typed to inside a container of the app; without a `size` it has no terminal."""
        wanted = chosen(await self.installed(app), container)[0]
        try:
            return await self.client.containers.terminal(wanted.name, command, size, stdin=stdin)
        except (NotFound, PodmanConflict) as error:
            raise _does_not_run(wanted) from error

    async def terminal(self, app: str, container: str | None, columns: int, rows: int) -> Terminal:
        """Open a shell on a terminal inside a container of the app."""
        wanted = chosen(await self.installed(app), container)[0]
        try:
            for shell in _SHELLS:
                # What a terminal shows of a program that is missing is for the owner's eyes, not for ours.
                if await self._can_run(wanted, (*shell, "-c", "exit 0")):
                    command = (*shell, "-c", _BEST_SHELL.format(" ".join(shell)))
                    return await self.client.containers.terminal(wanted.name, command, (columns, rows))
        except (NotFound, PodmanConflict) as error:
            raise _does_not_run(wanted) from error
        raise NodeError(
            ErrorCode.INVALID_VALUE,
            msg("there is no shell in container {container} of {app}", container=wanted.container, app=app),
            hint=msg("'archipelago exec {app} -- PROGRAM' runs a program that it has", app=app),
        )

    async def _can_run(self, wanted: ContainerWorkload, command: tuple[str, ...]) -> bool:
        try:
            return (await self.client.containers.exec(wanted.name, command, timeout=_TRY)).exit_code == 0
        except (NotFound, PodmanConflict):
            raise
        except PodmanError:
            return False


def _does_not_run(wanted: ContainerWorkload) -> NodeError:
    return NodeError(
        ErrorCode.NOT_RUNNING,
        msg("container {container} of {app} does not run", container=wanted.container, app=wanted.app),
        hint=msg("'archipelago status {app}' says why; 'archipelago start {app}' starts it", app=wanted.app),
    )
