"""Daemons of tests, which are forks of a process that has imported what they need."""

import os
import time
from pathlib import Path

import pytest

from support import daemon_forks


def test_one_that_has_ended_before_anybody_looks_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    look = os.pidfd_open

    def late(pid: int) -> int:
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.01)  # its parent, which is not this process, has it go
        return look(pid)

    monkeypatch.setattr(daemon_forks, "_PROGRAM", "raise SystemExit(3)")
    monkeypatch.setattr(os, "pidfd_open", late)
    with (tmp_path / "log").open("wb") as log:
        ended = daemon_forks.fork_daemon((), dict(os.environ), log)
    ended.kill()
    assert (ended.poll(), ended.wait()) == (3, 3)
