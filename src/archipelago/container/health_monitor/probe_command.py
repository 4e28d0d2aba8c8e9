"""Runs the command of a probe inside its container."""

from collections.abc import Callable

from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import PodmanError
from archipelago.support.texts.text import error_text

_MOST_OUTPUT = 4096
"""Bytes."""


async def run_probe_command(
    client: PodmanClient, redact: Callable[[str], str], name: str, command: tuple[str, ...], timeout: float
) -> tuple[int, str]:
    """Return the exit code and the first line of the output, without secrets; -1 and why where it could not run."""
    try:
        result = await client.containers.exec(name, command, timeout=timeout, max_output=_MOST_OUTPUT)
    except PodmanError as error:
        return -1, redact(error_text(error))
    # Before it is cut off: of half a secret nobody would know that it is one.
    lines = redact(result.stdout.decode("utf-8", "replace")).splitlines()
    return result.exit_code, lines[0][:200] if lines else ""
