"""The programs of another release of Debian that scripts/test-tools unpacks."""

import os
from pathlib import Path

TOOLS = Path(os.environ.get("ARCHIPELAGO_TEST_TOOLS", "/opt/archipelago/test-tools"))
PROGRAMS = TOOLS / "bin"
