"""Speaks to the control port of the Tor that runs as an app, from within its container's network namespace."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.namespace.client import Namespace, ProbeFailed, Target
from archipelago.errors import NodeError
from archipelago.network.drivers.tor.control_text import ControlError, Reply, conversation, replies
from archipelago.support.texts.text import error_text

_COOKIE = "control_auth_cookie"
_COOKIE_BYTES = 32
_LOOPBACK = "127.0.0.1"
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class RunningTor:
    """A Tor that runs."""

    pid: int
    port: int
    """Of its control port, on its own loopback."""
    cookie: Path
    """Volume in which its cookie is."""


@dataclass(frozen=True, slots=True)
class TorControl:
    """Has Tor carry out commands, one connection for each call."""

    namespace: Namespace

    async def ask(self, tor: RunningTor, commands: Sequence[str]) -> tuple[Reply, ...]:
        """Return the answer to each command; raises `ControlError`."""
        try:
            found = await self.namespace.read(str(tor.cookie), [_COOKIE], _COOKIE_BYTES)
            if found is None or len(found[0]) != _COOKIE_BYTES:
                raise ControlError("it writes its cookie just now")
            said = await self.namespace.exchange(
                Target(tor.pid, _LOOPBACK), tor.port, conversation(found[0], commands), _TIMEOUT
            )
        except ProbeFailed as error:
            raise ControlError(f"its control port does not answer: {error}") from error
        except NodeError as error:
            raise ControlError(f"its cookie cannot be read: {error_text(error)}") from error
        return replies(said, len(commands))
