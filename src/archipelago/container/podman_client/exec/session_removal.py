"""Removes what Podman keeps of exec sessions whose command could not be started.

The folder of a session, in the container's part of Podman's storage, goes when its command has ended. Where none could
be started, such as a program that the image does not have, Podman 4 leaves the folder until the container ends; where
not even a monitor (conmon) could be started, as for a user that the image does not know, it keeps the session too. Its
API removes neither; the command by which a monitor reports an end does.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Protocol

from archipelago.container.podman_client.errors import PodmanError

_log = logging.getLogger(__name__)

NOT_BEGUN = frozenset({126, 127})
"""Exit codes by which Podman says that a command could not be started; those of shells mean the same of their children
(https://docs.podman.io/en/latest/markdown/podman-exec.1.html, "Exit Status")."""


class Commands(Protocol):
    """Runs the podman command (`PodmanService`)."""

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run it; return the exit code and what it printed as errors."""
        ...


async def remove_session(podman: Commands, container: str, exec_id: str) -> None:
    """Remove an exec session that does not run, with its folder; whatever goes wrong costs no more than some room."""
    with contextlib.suppress(PodmanError, OSError):
        for more in ((), ("--rm",)):  # the folder, then the session: it knows of the folder no more
            code, said = await podman.command("container", "cleanup", "--exec", exec_id, *more, container)
            if code != 0 and "no such" not in said.lower():
                _log.warning("what is kept of an exec session stays: %s", said)
