"""The copies of volumes that the agent makes: stopped at once when they are not wanted, and never through a link."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from archipelago.container.namespace.agent import copies
from archipelago.container.namespace.agent.refused import Refused
from support.agent_requests import ask


def failure_of(work: Callable[[], object]) -> tuple[threading.Thread, list[str]]:
    """Do work in a thread of its own; return the thread, and what it is refused with."""
    said: list[str] = []

    def run() -> None:
        try:
            work()
        except Refused as refused:
            said.append(str(refused))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, said


def test_a_copy_that_is_stopped_ends_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # It waits for what somebody writes into the pipe, and nobody does.
    thread, said = failure_of(lambda: copies._run_copy(41, [str(pipe), str(tmp_path / "copy")]))
    while not copies._COPIES.get(41):
        assert thread.is_alive()
    copies.stop_copy(41)
    thread.join(10)
    assert not thread.is_alive() and said


def test_a_copy_that_was_stopped_before_it_began_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    copies.stop_copy(42)
    request = {"to": str(tmp_path / "copy"), "method": "copy", "number": 42}
    with pytest.raises(Refused, match="stopped"):
        copies.copy_volume(str(tmp_path / "volume"), request)
    assert not (tmp_path / "copy").exists()


def test_the_end_of_the_daemon_ends_every_copy(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread, said = failure_of(lambda: copies._run_copy(43, [str(pipe), str(tmp_path / "copy")]))
    while not copies._COPIES.get(43):
        assert thread.is_alive()
    copies.stop_all_copies()
    thread.join(10)
    assert not thread.is_alive() and said


def test_no_link_is_copied_and_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    there = {"do": "copy", "method": "copy", "number": 1}
    for source, target in (("link", "new"), ("volume", "secret")):
        answer = ask(tmp_path, **there, path=str(tmp_path / source), to=str(tmp_path / target))
        assert answer["ok"] is False, source
    assert ask(tmp_path, do="survey", path=str(tmp_path / "link"), timeout=5)["ok"] is False
    assert ask(tmp_path, **there, path=str(tmp_path / "volume"), to=str(tmp_path.parent / "outside"))["ok"] is False
    assert not (tmp_path / "new").exists() and not (tmp_path.parent / "outside").exists()


def test_a_survey_out_of_time_says_so(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / str(number)).touch()
    assert copies.survey(str(tmp_path), float("inf"))["complete"] is True
    assert copies.survey(str(tmp_path), 0.0)["complete"] is False
