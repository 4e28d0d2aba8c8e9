"""What installs and uses apps of the catalog, which takes too long for each run of all tests: `make test-catalog`.

Programs that take minutes to compile are compiled once, and kept for the next run.
"""

import os

from support.harness import ROOT
from support.kept_archives import PROGRAMS

collect_ignore_glob = ["test_*.py"]

if os.environ.get("ARCHIPELAGO_TEST_CATALOG"):
    collect_ignore_glob = []
    os.environ.setdefault(PROGRAMS, str(ROOT.parent / "programs"))
