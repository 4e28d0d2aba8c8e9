"""A daemon that may not start changes nothing and says why; it quotes no argument."""

import os
import socket
from pathlib import Path

import pytest

from support import old_database
from support.preloaded_python import PreloadedPython

SECRET = "Kx4vXQ0mWq7mM1yB2nT9uA5c"
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


@pytest.mark.parametrize("left", [None, b""])
def test_data_of_apps_beside_a_database_that_is_gone_or_empty_starts_no_new_node(
    daemon_python: PreloadedPython, tmp_path: Path, left: bytes | None
) -> None:
    root = tmp_path / "root"
    (root / "apps/knots/volumes/wallets").mkdir(parents=True)
    if left is not None:
        (root / "state.db").write_bytes(left)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = start(daemon_python, root, port)
    assert f"{root}/state.db is {'missing' if left is None else 'empty'}" in said and "knots" in said
    assert (root / "apps/knots/volumes/wallets").is_dir() and not (root / "node.key").exists()


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


@pytest.mark.parametrize("arguments", [("--set", SECRET), (SECRET,), ("--set", "a=b", SECRET)])
def test_the_daemon_does_not_quote_its_arguments(daemon_python: PreloadedPython, arguments: tuple[str, ...]) -> None:
    done = daemon_python.run("from archipelago.daemon import main; main()", *arguments, environment=os.environ)
    said = done.stderr.decode()
    assert done.returncode == 2 and "archipelago-daemon: error:" in said and SECRET not in said
