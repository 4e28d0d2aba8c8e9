"""What the daemon does before it has a node: it changes nothing where it may not start, and says why."""

import os
import socket
from pathlib import Path

import pytest
import structlog

from archipelago import daemon
from archipelago.errors import NodeError
from archipelago.security.keys.node_key import NodeKey
from archipelago.storage.layout import Layout
from support import old_database
from support.preloaded_python import PreloadedPython

_AS_ANY_USER = "from archipelago import daemon; daemon._refuse_root = lambda: None; daemon.main()"


def start(python: PreloadedPython, root: Path, port: int) -> str:
    """Start a daemon that must refuse; return what it says."""
    settings = {"ROOT": root, "RUNTIME": root.with_name("run"), "PORT": port}
    environment = {**os.environ, **{f"ARCHIPELAGO_{name}": str(value) for name, value in settings.items()}}
    done = python.run(_AS_ANY_USER, environment=environment)
    said = done.stderr.decode()
    assert done.returncode == 1 and "Traceback" not in said, said
    return said


def test_a_taken_port_leaves_the_data_as_the_version_before_knows_it(
    daemon_python: PreloadedPython, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "logs" / "knots").mkdir(parents=True)
    old_database.migrate(root / "state.db", "0005")
    before = (root / "state.db").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert str(port) in start(daemon_python, root, port)
    assert not (root / "apps").exists()
    assert (root / "state.db").read_bytes() == before


def test_what_was_left_behind_is_named_at_each_start(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run")
    layout.root.mkdir()
    daemon._prepare_data(layout)
    left = layout.root / "secrets" / "knots"
    left.mkdir(parents=True)
    (left / "rpc.age").touch()
    for _ in range(2):
        with structlog.testing.capture_logs() as said:
            daemon._prepare_data(layout)
        (line,) = said
        assert line["folder"] == str(left) and str(layout.app("knots").secrets) in line["do"]


@pytest.mark.parametrize("in_the_way", ["root", "root/daemon.lock/", "root/logs"])
def test_what_the_disk_refuses_is_said_without_a_traceback(
    daemon_python: PreloadedPython, tmp_path: Path, in_the_way: str
) -> None:
    place = tmp_path / in_the_way
    if in_the_way.endswith("/"):
        place.mkdir(parents=True)
    else:
        place.parent.mkdir(exist_ok=True)
        place.write_text("a file where a folder belongs")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert str(tmp_path / "root") in start(daemon_python, tmp_path / "root", port)


def test_a_key_that_cannot_be_looked_for_is_said(tmp_path: Path) -> None:
    key = NodeKey(tmp_path / ("k" * 300), lambda _: None)
    with pytest.raises(NodeError, match="File name too long"):
        key.state()
