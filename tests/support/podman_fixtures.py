"""Fixtures for tests against a real Podman: a service, a client, a tiny image, a corner that is swept."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import tarfile
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from archipelago.container.images.damage import DamagedImages
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import NotFound, StorageDamaged
from archipelago.container.podman_client.models import NetworkDetails
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.podman_client.spec import ContainerSpec, NetworkSpec

TEST_IMAGE = "localhost/archipelago-test/busybox:1"
TEST_LABEL = "io.archipelago.test"

_APPLETS = (
    *("sh", "sleep", "cat", "echo", "id", "ls", "nc", "httpd", "wget", "true", "false", "yes", "head", "seq", "mount"),
    *(
        "grep",
        "stat",
        "touch",
        "env",
        "kill",
        "nslookup",
        "hostname",
        "printf",
        "date",
        "dd",
        "tail",
        "ping",
        "ip",
        "df",
    ),
)


@dataclass(frozen=True, slots=True)
class Corner:
    """One test's own part of Podman: names that nobody else has and a label by which all of it is found again."""

    podman: PodmanClient
    mark: str
    labels: dict[str, str] = field(default_factory=dict)

    def name(self, what: str) -> str:
        """Make a full name."""
        return f"archipelago-{self.mark}-{what}"

    def spec(self, what: str = "box", *command: str, **changes: Any) -> ContainerSpec:
        """Describe a container of the test image that sleeps unless told otherwise."""
        base = ContainerSpec(
            name=self.name(what),
            image=TEST_IMAGE,
            command=command or ("sleep", "1000"),
            labels=self.labels,
            stop_timeout=1,
            init=not command,
        )
        return replace(base, **changes)

    async def running(self, what: str = "box", *command: str, **changes: Any) -> str:
        """Create and start a container; return its name."""
        spec = self.spec(what, *command, **changes)
        await self.podman.containers.create(spec)
        await self.podman.containers.start(spec.name, ports=spec.ports)
        return spec.name

    async def network(self, what: str = "net", **changes: Any) -> NetworkDetails:
        """Create a network."""
        return await self.podman.networks.create(replace(NetworkSpec(self.name(what), labels=self.labels), **changes))

    async def sweep(self) -> None:
        """Remove everything of this test."""
        for container in await self.podman.containers.list(labels=dict(self.labels)):
            await self.podman.containers.remove(container.name, force=True)
        for network in await self.podman.networks.list(labels=dict(self.labels)):
            await self.podman.networks.remove(network.name)


@pytest.fixture(scope="session")
def podman_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Podman's run-time files are; the tests run as the service user in its own environment."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    assert runtime and os.geteuid() != 0, "run these tests with `make test`: as the service user, in its environment"
    return Path(runtime)


@pytest.fixture(scope="session")
def session_service(podman_runtime: Path) -> Iterator[PodmanService]:
    """A service for the whole session; each test's PodmanService finds it alive."""
    directory = podman_runtime / f"test-{uuid.uuid4().hex[:8]}"
    directory.mkdir()
    service = PodmanService(directory / "podman.sock", directory / "podman.log")
    asyncio.run(service.ensure())
    yield service
    asyncio.run(service.stop())
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def podman_socket(session_service: PodmanService) -> Path:
    """Where the session's service listens."""
    return session_service.socket_path


@pytest_asyncio.fixture
async def podman_service(session_service: PodmanService, podman_socket: Path) -> AsyncIterator[PodmanService]:
    """The session's service, watched."""
    # A test that kills everything, as a power cut does, has ended it too. The one that started it starts it again,
    # and so waits for its process.
    await session_service.ensure()
    # Without the record of its process the service counts as somebody else's and outlives the test.
    service = PodmanService(podman_socket, podman_socket.with_suffix(".log"))
    record = podman_socket.with_name("podman.sock.pid")
    kept = record.read_text()
    record.unlink()
    await service.start()
    record.write_text(kept)
    yield service
    await service.stop()


@pytest_asyncio.fixture
async def podman(podman_service: PodmanService, busybox_image: str, busybox_tar: Path) -> AsyncIterator[PodmanClient]:
    """A client with the test image in the store."""
    async with PodmanClient(podman_service) as client:
        await ensure_test_image(client, busybox_tar)
        yield client


@pytest_asyncio.fixture
async def corner(podman: PodmanClient) -> AsyncIterator[Corner]:
    """A corner of Podman that is swept after the test."""
    mark = f"t{uuid.uuid4().hex[:8]}"
    corner = Corner(podman, mark, {TEST_LABEL: mark})
    yield corner
    await corner.sweep()


@pytest.fixture(scope="session")
def busybox_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root file system of the test image."""
    return busybox_rootfs(tmp_path_factory.mktemp("busybox") / "rootfs.tar")


@pytest.fixture(scope="module")
def busybox_image(session_service: PodmanService, busybox_tar: Path) -> str:
    """The test image: a static busybox and nothing else."""
    with ThreadPoolExecutor() as thread:  # the tests of a module may have an event loop of theirs here
        thread.submit(asyncio.run, _import(session_service, busybox_tar)).result()
    return TEST_IMAGE


async def ensure_test_image(client: PodmanClient, tar: Path) -> None:
    """Import the test image where it is not here, or damaged: tests that kill Podman may take it from those after them.

    A Podman that is killed between the writing of its records and the mark by which others notice that leaves those
    others with old ones, which they write at their next change: a name, an image or a layer is lost.
    """
    images = DamagedImages(client)
    try:
        await images.inspect(TEST_IMAGE)
        return
    except NotFound:
        pass
    except StorageDamaged:
        await images.remove(TEST_IMAGE)
    await client.images.import_tar(TEST_IMAGE, tar, changes=["CMD sleep 1000", f"LABEL {TEST_LABEL}=busybox"])


def busybox_rootfs(tar: Path) -> Path:
    """Write the root file system of the test image into a tar file."""
    with tarfile.open(tar, "w") as archive:
        for directory in ("bin", "etc", "tmp", "proc", "sys", "dev", "run", "data"):
            member = tarfile.TarInfo(directory)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        _add(archive, "bin/busybox", _busybox().read_bytes(), 0o755)
        _add(archive, "etc/passwd", b"root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", 0o644)
        _add(archive, "etc/group", b"root:x:0:\napp:x:1000:\n", 0o644)
        for applet in _APPLETS:
            member = tarfile.TarInfo(f"bin/{applet}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(member)
    return tar


def _busybox() -> Path:
    given = os.environ.get("ARCHIPELAGO_TEST_BUSYBOX")
    path = Path(given or shutil.which("busybox") or "/bin/busybox")
    assert path.is_file(), "the tests need a static busybox: package busybox-static"
    assert b"/ld-linux" not in path.read_bytes(), f"{path} is not static: package busybox-static"
    return path


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


async def _import(service: PodmanService, tar: Path) -> None:
    await service.ensure()
    async with PodmanClient(PodmanService(service.socket_path, service.socket_path.with_suffix(".log"))) as client:
        await ensure_test_image(client, tar)
