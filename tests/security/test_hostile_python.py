"""Apps whose Python packages attack the node that builds them: from build backends, wheels and requirements files."""

import io
import json
import os
import secrets
import socket
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.support.process import find_processes
from support.harness import RpcError, TestNode, podman, remove_leftovers, running_node
from support.tiny_apps import write_app
from support.tiny_index import sha256, tiny_index
from support.wheels import GOOD, write_wheel

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
BACKEND = Path(__file__).with_name("hostile_backend.py")
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "hostile_backend"\nbackend-path = ["."]\n'
SITE = "/usr/lib/python3/dist-packages"


@dataclass
class Attack:
    """A node, the index that it asks, and what must not be seen or left behind."""

    node: TestNode
    index: str
    projects: dict[str, dict[str, bytes]]
    listener: socket.socket
    canary: str = field(default_factory=lambda: f"canary-{secrets.token_hex(16)}")
    mark: str = field(default_factory=lambda: f"mark-{secrets.token_hex(8)}")

    def plant(self) -> list[Path]:
        """Write the canary wherever the node keeps things; return all files that nobody may read."""
        planted = [folder / "canary" for folder in (self.node.root, self.node.runtime, Path.home())]
        for path in planted:
            path.write_text(self.canary)
        own = (self.node.root / name for name in ("node.key", "identity.key", "state.db"))
        return [*planted, *own, Path(f"/proc/{os.getpid()}/environ")]

    def targets(self, app: str, **more: Any) -> dict[str, Any]:
        """Return what a hostile backend is told; it could guess all of it on an ordinary node."""
        port = self.listener.getsockname()[1]
        addresses = ("127.0.0.1", "10.0.2.2", "169.254.1.2", "10.88.0.1", *own_addresses())
        return {
            "name": app,
            "files": [str(path) for path in self.plant()],
            "canary": self.canary,
            "sockets": [str(self.node.socket), str(self.node.runtime / "podman.sock")],
            "ports": [(address, number) for address in addresses for number in (self.node.port, port)],
            "names": ["localhost.localdomain.archipelago.test", "deb.debian.org", "pypi.org"],
            "signs": ["archipelago.daemon", "strict_daemon", str(self.node.root)],
            "folders": [str(self.node.root), str(self.node.runtime), str(self.node.root / "tmp" / "builds"), "/tmp/.."],
            "mark": self.mark,
            **more,
        }

    def sdist(self, app: str, **more: Any) -> str:
        """Put a source distribution with the hostile backend into the index; return the line that requires it."""
        files = {
            "pyproject.toml": PYPROJECT.encode(),
            "hostile_backend.py": BACKEND.read_bytes(),
            "attack.json": json.dumps(self.targets(app, **more)).encode(),
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {app}\nVersion: 1.0\n".encode(),
        }
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"{app}-1.0/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return self.serve(app, f"{app}-1.0.tar.gz", packed.getvalue())

    def serve(self, app: str, filename: str, content: bytes) -> str:
        """Put a file into the index; return the line that requires it."""
        self.projects[app] = {filename: content}
        return f"{app}==1.0 --hash=sha256:{sha256(content)}\n"

    def write(self, app: str, requirements: str, *, builds: bool = True) -> None:
        """Write an app with these requirements into the catalog."""
        assert self.node.apps is not None
        write_app(self.node.apps, app)
        folder = self.node.apps / app
        manifest = folder / "manifest.yml"
        more = ", python_build: {requirements: build.txt}" if builds else ""
        recipe = f"{{type: packages, packages: [busybox-static], python: requirements.txt{more}}}"
        manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
        (folder / "requirements.txt").write_text(requirements)
        (folder / "build.txt").write_text("# the backend comes with the source distribution\n")

    async def refusal(self, app: str) -> str:
        """Return why an app cannot be installed."""
        try:
            ended = await self.node.ended(await self.node.call("container-install", app=app))
        except RpcError as error:
            return str(error)
        assert ended["state"] == "failed", ended
        return str(ended["error"]["message"])

    def nothing_is_left(self) -> None:
        """Check that no process of a build goes on, and no folder and no container of one is there."""
        mark = self.mark.encode()
        assert find_processes(lambda process: mark in (process / "cmdline").read_bytes()) == []
        assert [path.name for path in (self.node.root / "tmp" / "builds").iterdir()] == []
        assert podman("ps", "-aq", "--filter", f"label=io.archipelago.build={self.node.root / 'tmp' / 'builds'}") == ""


def own_addresses() -> list[str]:
    """Return the addresses of this host beyond loopback."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return [probe.getsockname()[0]]
    return []


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A service of this host that listens everywhere."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attack(tmp_path_factory: pytest.TempPathFactory, listener: socket.socket) -> AsyncIterator[Attack]:
    """A node that asks an index of the tests, which the tests fill."""
    remove_leftovers()
    projects: dict[str, dict[str, bytes]] = {}
    apps = tmp_path_factory.mktemp("catalog")
    async with (
        tiny_index(projects) as index,
        running_node("hostile", apps=apps, environment={"ARCHIPELAGO_PYTHON_INDEX": index}) as node,
    ):
        made = Attack(node, index, projects, listener)
        yield made
        for path in made.plant()[:3]:
            path.unlink()


async def test_a_build_backend_reaches_nothing_of_the_node_and_leaves_nothing_behind(attack: Attack) -> None:
    attack.write("thief", attack.sdist("thief"))
    assert attack.canary in (attack.node.root / "canary").read_text(), "there is something to steal"
    await attack.node.install("thief")
    report = json.loads(podman("exec", "archipelago-thief--main", "busybox", "cat", f"{SITE}/thief/report.json"))
    first = int(report.pop("uid_map")[1])
    assert report == {
        "done": True,
        "readable": [],
        "canaries": [],
        "sockets": [],
        "names": [],
        "processes": [],
        "written": [],
    }
    assert first > 65536, "users of a build are no user of an app and not the service user"
    attack.nothing_is_left()


async def test_an_app_that_does_not_say_that_it_builds_executes_nothing(attack: Attack) -> None:
    attack.write("silent", attack.sdist("silent", members={"x": "y"}), builds=False)
    assert "no pinned file is a wheel of silent==1.0" in await attack.refusal("silent")
    attack.nothing_is_left()


@pytest.mark.parametrize(
    ("app", "more", "reason"),
    [
        ("renamed", {"filename": "other-1.0-py3-none-any.whl"}, "which is not its one wheel"),
        (
            "linked",
            {"links": {"linked-1.0-1-py3-none-any.whl": "/proc/self/environ"}},
            "Too many levels|no regular file",
        ),
        ("escaped", {"members": {"../../../../escaped": "x"}}, "leads out of the folder"),
    ],
)
async def test_what_a_build_makes_is_checked_as_a_strangers_wheel_is(
    attack: Attack, app: str, more: dict[str, Any], reason: str
) -> None:
    attack.write(app, attack.sdist(app, **more))
    said = await attack.refusal(app)
    assert any(each in said for each in reason.split("|")), said
    attack.nothing_is_left()


@pytest.mark.parametrize(
    ("app", "members", "reason"),
    [
        ("dotted", {"../../../../../stolen": "x"}, "leads out of the folder"),
        ("rooted", {"/stolen": "x"}, "leads out of the folder"),
        (
            "program",
            {"foo-1.0.dist-info/entry_points.txt": "[console_scripts]\n../../../../stolen = foo:main\n"},
            "program",
        ),
        ("datum", {"foo-1.0.data/data/../../../../stolen": "x"}, "leads out of the folder"),
        ("script", {"foo-1.0.data/scripts/../../../../stolen": "x"}, "leads out of the folder"),
    ],
)
async def test_a_wheel_writes_nothing_outside_of_its_folder(
    attack: Attack, tmp_path: Path, app: str, members: dict[str, str], reason: str
) -> None:
    files = {name.replace("foo", app, 1): text.replace("foo", app) for name, text in {**GOOD, **members}.items()}
    content = write_wheel(tmp_path / "x.whl", files).read_bytes()
    attack.write(app, attack.serve(app, f"{app}-1.0-py3-none-any.whl", content), builds=False)
    assert reason in await attack.refusal(app)
    # Unlike a glob, this goes on where what it has found is removed meanwhile.
    stolen = [folder for folder, folders, files in os.walk(attack.node.root) if "stolen" in (*folders, *files)]
    assert stolen == [] and not Path("/stolen").exists()


@pytest.mark.parametrize(
    "line", ["--index-url {index}\n", "--extra-index-url {index}\n", "--find-links {index}{app}/\n"]
)
async def test_a_requirements_file_brings_no_index_of_its_own(attack: Attack, line: str) -> None:
    app = f"guide{len(line)}"
    required = attack.sdist(app)
    attack.write(app, line.format(index=attack.index, app=app) + required, builds=False)
    said = await attack.refusal(app)
    attack.nothing_is_left()
    assert "options such as" in said and "requirements.txt:1" in said
