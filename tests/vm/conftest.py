"""What runs in the guest of scripts/test-vm alone: elsewhere, limits may not be enforced."""

import os

from support import harness

collect_ignore_glob = [] if os.environ.get("ARCHIPELAGO_VM") else ["test_*.py"]

harness.START_TIMEOUT = 400.0  # in emulation, everything takes ten times as long
