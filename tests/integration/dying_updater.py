"""The daemon, ended by kill -9 before a step of an update: each write of its stage, and each change of the disk."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from archipelago.container.namespace.client import Namespace
from archipelago.container.operations.tracker import Tracker
from strict_daemon import run

left = int(sys.argv.pop(1))


def dying(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method before which the daemon dies when it is the one."""

    async def method(*arguments: Any, **named: Any) -> Any:
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await work(*arguments, **named)

    return method


if __name__ == "__main__":
    for owner, name in ((Tracker, "store"), (Namespace, "copy"), (Namespace, "rename")):
        setattr(owner, name, dying(getattr(owner, name)))
    sys.exit(run())
