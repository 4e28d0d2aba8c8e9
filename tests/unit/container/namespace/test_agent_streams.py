"""A file in a volume that is read each time it changes: by the program in the user namespace."""

import base64
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from support.agent_requests import ask


def sign(root: Path, known: object, *names: str, timeout: float = 0.0) -> Any:
    answer = ask(root, do="await-change", path=str(root / "proof"), names=list(names), known=known, timeout=timeout)
    return answer.get("sign", answer)


def test_a_file_that_is_replaced_is_noticed_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "proof" / "data"
    folder.mkdir(parents=True)
    assert sign(tmp_path, None, "data", "channel.backup") is None
    (folder / "channel.backup").write_bytes(b"one")
    known = sign(tmp_path, None, "data", "channel.backup", timeout=5)
    assert known is not None and sign(tmp_path, known, "data", "channel.backup") == known

    def replace() -> None:
        (folder / "channel.backup.new").write_bytes(b"two")
        os.replace(folder / "channel.backup.new", folder / "channel.backup")

    timer = threading.Timer(0.5, replace)
    timer.start()
    started = time.monotonic()
    assert sign(tmp_path, known, "data", "channel.backup", timeout=20) != known
    assert time.monotonic() - started < 10
    answer = ask(tmp_path, do="read-whole", path=str(tmp_path / "proof"), names=["data", "channel.backup"], limit=10)
    assert base64.b64decode(str(answer["content"])) == b"two" and answer["whole"] is True


@pytest.mark.parametrize("bad", ["link", "pipe", "large", "link/inner"])
def test_only_a_file_of_the_volume_is_read(tmp_path: Path, bad: str) -> None:
    volume = tmp_path / "proof"
    volume.mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "inner").write_text("secret")
    (volume / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(volume / "pipe")
    (volume / "large").write_bytes(bytes(11))
    answer = ask(tmp_path, do="read-whole", path=str(volume), names=bad.split("/"), limit=10)
    assert answer["ok"] is False
