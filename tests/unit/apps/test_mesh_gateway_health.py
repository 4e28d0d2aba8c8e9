"""What the health check of the mesh gateway says, and that it takes next to nothing to say it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.checkout import APPS

HEALTH = APPS / "mesh-gateway" / "files" / "health"
STATE = "/run/mesh/state"


def check(state: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the check beside a gateway that writes its state into a file."""
    text = HEALTH.read_text()
    assert STATE in text
    command = [sys.executable, "-S", *options, "-c", text.replace(STATE, str(state))]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("written", "age", "said", "code"),
    [
        (None, 0, "it has not started yet", 1),
        ("", 0, "it has not started yet", 1),
        ("3 accepted", 0, "3 accepted", 0),
        ("3 accepted", 61, "it stands still", 1),
        ("3 accepted", -60, "it stands still", 1),
        ("no connection to the mesh", 0, "no connection to the mesh", 1),
    ],
)
def test_it_says_what_the_gateway_has_written(
    tmp_path: Path, written: str | None, age: int, said: str, code: int
) -> None:
    state = tmp_path / "state"
    if written is not None:
        state.write_text(f"{written}\naddress\n" if written else "")
        now = state.stat().st_mtime
        os.utime(state, (now - age, now - age))
    done = check(state)
    assert (done.stdout.strip(), done.returncode, done.stderr) == (said, code, "")


def test_it_imports_nothing_of_the_gateway(tmp_path: Path) -> None:
    # All of Reticulum, which takes most of a second, was imported for each look before.
    (state := tmp_path / "state").write_text("3 accepted\n")
    lines = check(state, "-X", "importtime").stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "os" in imported and imported.isdisjoint({"argparse", "json", "meshtx", "pathlib", "re", "RNS"}), imported
