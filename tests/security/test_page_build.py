"""Root has the page built by untrusted npm packages: real attacks of such packages on the node and on root."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.checkout import CHECKOUT

HERE = Path(__file__).resolve().parent
SECRET = "the words of the node's key"
TOKEN = "left-behind-by-the-build"
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Scene:
    """A scratch host: what is in `folder` is at /mnt there, and at the places that the scripts expect."""

    folder: Path

    def become(self, kind: str, port: int = 1) -> None:
        """Set what the page's packages try."""
        targets = {
            "kind": kind,
            "port": port,
            "token": TOKEN,
            "key": "/var/lib/archipelago/node.key",
            "data": "/var/lib/archipelago",
            "socket": "/run/archipelago/owner.sock",
            "victim": "/mnt/root/victim",
            "closed": "/mnt/root/closed",
            "checkout": "/mnt/checkout/scripts/setup-ui",
            "written": "/mnt/checkout/scripts/more",
        }
        (self.folder / "checkout/neode-ui/targets.json").write_text(json.dumps(targets))

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/setup-ui as the root of this host."""
        return subprocess.run(
            ["sh", HERE / "root_scene.sh", self.folder, "/mnt/checkout/scripts/setup-ui", *arguments],
            capture_output=True,
            text=True,
            timeout=100,
        )

    @property
    def page(self) -> Path:
        """The folder that the node serves."""
        return self.folder / "prefix/ui"


def _users(file: str, line: str) -> str:
    known = Path(file).read_text()
    return known if "archipelago-build:" in known else f"{known}{line}\n"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A host with a node, an earlier page, and a checkout whose page is built by hostile packages."""
    for name in ("checkout/docs", "checkout/neode-ui", "prefix/node", "prefix/ui", "data", "runtime", "root/closed"):
        (tmp_path / name).mkdir(parents=True)
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "scripts", checkout / "scripts")
    for name in ("uv.lock", "pyproject.toml", "docs/openrpc.json"):
        shutil.copy(CHECKOUT / name, checkout / name)
    for name in ("docs/guide", "src/archipelago/support/texts/translations"):
        shutil.copytree(CHECKOUT / name, checkout / name)
    shutil.copy(HERE / "hostile_page.mjs", checkout / "neode-ui")
    package = {"name": "page", "version": "0.0.0"}
    scripts = {step: f"node hostile_page.mjs {step}" for step in ("lint", "check", "build")}
    (checkout / "neode-ui/package.json").write_text(json.dumps({**package, "scripts": scripts}))
    lock = {**package, "lockfileVersion": 3, "requires": True, "packages": {"": package}}
    (checkout / "neode-ui/package-lock.json").write_text(json.dumps(lock))
    version = subprocess.run([PYTHON, "--version"], capture_output=True, check=True).stdout
    has_node = hashlib.sha256((CHECKOUT / "uv.lock").read_bytes() + version).hexdigest()
    (tmp_path / "prefix/.node").write_text(f"{has_node}  -\n")
    (tmp_path / "prefix/ui/index.html").write_text("before")
    (tmp_path / "data/node.key").write_text(SECRET)
    (tmp_path / "root/victim").write_text(SECRET)
    (tmp_path / "root/victim").chmod(0o600)
    (tmp_path / "root/closed/paper").write_text(SECRET)
    (tmp_path / "root/closed").chmod(0o700)
    (tmp_path / "passwd").write_text(_users("/etc/passwd", "archipelago-build:x:70000:70000::/nonexistent:/bin/false"))
    (tmp_path / "group").write_text(_users("/etc/group", "archipelago-build:x:70000:"))
    yield Scene(tmp_path)
    # Some of it belongs to other users by now.
    subprocess.run(
        ["unshare", "--user", "--map-root-user", "--map-auto", "rm", "-rf", tmp_path], check=True, timeout=60
    )


@pytest.fixture
def owner_socket(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The node's socket, with a mode that lets everybody connect: only the confinement protects it."""
    monkeypatch.chdir(scene.folder / "runtime")  # a path of a socket has no more than 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("owner.sock")
        listener.listen()
        Path("owner.sock").chmod(0o666)
        yield listener


def _is_running(token: str) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in process.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_the_build_sees_nothing_of_the_node(scene: Scene, owner_socket: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as loopback:
        scene.become("report", loopback.getsockname()[1])
        done = scene.set_up("--tests")
    assert done.returncode == 0, done.stderr
    report = json.loads((scene.page / "report.json").read_text())
    assert report["key"] == {"refused": "ENOENT"}
    assert report["data"] == {"refused": "ENOENT"}
    assert report["socket"] == {"refused": "ENOENT"}
    assert report["loopback"] == {"refused": "ECONNREFUSED"}
    assert report["checkout"] == {"refused": "ENOENT"}
    assert report["write"] == {"refused": "ENOENT"}
    assert not [process for process in report["processes"] if "pytest" in process or "setup-ui" in process]
    assert not [name for name in report["environment"] if name.startswith(("ARCHIPELAGO", "SUDO", "UV"))]
    assert report["user"] not in (0, os.getuid())
    assert int(report["capabilities"], 16) == 0
    # A process that outlives the build could change what comes later.
    assert not _is_running(TOKEN)
    # The build could not redirect root's log.
    assert (scene.folder / "root/victim").read_text() == SECRET
    # Published as plain files of root's.
    for path in scene.page.rglob("*"):
        assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644), path
        assert path.stat().st_uid == os.getuid(), path
    assert not list(scene.folder.glob("prefix/ui-build.*"))


@pytest.mark.parametrize("kind", ["folder", "file", "inner folder"])
def test_root_follows_no_link_that_the_build_made(scene: Scene, kind: str) -> None:
    scene.become(kind)
    done = scene.set_up()
    assert done.returncode == 1, done.stdout
    assert "archipelago: the built page" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert (scene.folder / "root/closed").stat().st_mode & 0o7777 == 0o700
    assert (scene.folder / "root/victim").read_text() == SECRET
    assert [path.name for path in scene.page.iterdir()] == ["index.html"]
    assert (scene.page / "index.html").read_text() == "before"
    assert not list(scene.folder.glob("prefix/ui?*"))
