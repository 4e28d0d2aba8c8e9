"""Containers of an app: state, logs, and the result of a command."""

from datetime import datetime

from archipelago.api.health import Health
from archipelago.support.view import View


class Limits(View):
    """Upper limits of a container."""

    memory: int
    cpu: float
    pids: int


class ContainerStatus(View):
    """One container of an app."""

    name: str
    container: str
    """Its name in Podman."""
    image: str
    state: str
    """State as Podman reports it, or `absent`."""
    health: Health
    limits: Limits
    started_at: datetime | None = None


class LogLine(View):
    """One line of a container's log."""

    container: str
    stream: str
    at: datetime | None = None
    text: str
    missing: int = 0
    """Lines of this container that are missing before it: they were written faster than they could be passed on."""


class ExecResult(View):
    """How a command inside a container ended."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool = False
