"""Volumes of other user ids, in the namespace in which those exist."""

import subprocess
import sys
from pathlib import Path

from support.harness import podman


def test_owners_of_volumes_are_told_apart_and_kept_when_a_volume_is_divided(tmp_path: Path) -> None:
    tests, base = Path(__file__).with_name("namespace_owners.py"), tmp_path / "base"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", str(base), str(tests)]
    try:
        done = subprocess.run(
            ["podman", "unshare", "--", *command], capture_output=True, text=True, timeout=100, check=False
        )
    finally:
        podman("unshare", "rm", "-rf", str(base))  # files of ids that this user cannot remove
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
