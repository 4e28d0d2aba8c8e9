"""How this process should end: its owner asks, whoever runs it waits for that."""

import asyncio

from archipelago.api.system import PowerAction
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

OWN = (PowerAction.RESTART, PowerAction.STOP)
"""What the process does by itself."""
EXIT_CODES = {PowerAction.REBOOT: 80, PowerAction.POWER_OFF: 81}
"""How it says to whoever started it what to do with the machine: it has no right to that itself."""


class Power:
    """Takes the owner's wish; `obeyed` says whether whoever started the process acts on `EXIT_CODES`."""

    def __init__(self, *, obeyed: bool) -> None:
        self.actions = (*OWN, *EXIT_CODES) if obeyed else OWN
        self.wanted: PowerAction | None = None
        self.asked = asyncio.Event()
        """Set once the process should end."""

    def ask(self, action: PowerAction) -> None:
        """End as the owner wants; raises `NodeError` where nobody would carry it out."""
        if action not in self.actions:
            what = msg("restart") if action is PowerAction.REBOOT else msg("turn off")
            raise NodeError(
                ErrorCode.INVALID_VALUE,
                msg("this node cannot {what} the machine: whoever started it does not carry that out", what=what),
                hint=msg("stop the node, then use the machine's own command; a node started by 'make run' can do both"),
            )
        if self.wanted is None:
            self.wanted = action
        self.asked.set()
