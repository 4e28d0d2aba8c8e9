"""The daemon, which looks for updates to install by itself at once and often, and believes the clock at once."""

import sys

from archipelago.container.operations.automatic import chore, decision
from strict_daemon import run

if __name__ == "__main__":
    decision.EVEN = 0.0
    chore._SETTLE, chore._LOOK = 0.0, 0.5
    sys.exit(run())
