"""What runs in the guest of scripts/test-vm alone: elsewhere, limits may not be enforced."""

import os

import pytest

from support import harness

collect_ignore_glob = [] if os.environ.get("ARCHIPELAGO_VM") else ["test_*.py"]

harness.START_TIMEOUT = 400.0  # in emulation, everything takes ten times as long


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Print at once why a test failed: a guest that takes too long is turned off before the end."""
    if report.failed:
        print(f"\n{report.nodeid} ({report.when}):\n{report.longreprtext[-4000:]}", flush=True)
