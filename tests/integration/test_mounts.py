"""What the manifest lets an app mount beside each other is there when the container runs; what it refuses is not."""

from pathlib import Path, PurePosixPath

import pytest

from archipelago.container.podman_client.errors import PodmanError
from archipelago.container.podman_client.spec import BindMount, Mount, TmpfsMount
from support.podman_fixtures import Corner

pytestmark = pytest.mark.timeout(300)


def file(folder: Path, target: str) -> BindMount:
    source = folder / "conf"
    source.write_text("hello")
    return BindMount(PurePosixPath(source), PurePosixPath(target))


def volume(folder: Path, target: str) -> BindMount:
    source = folder / target.replace("/", "-")
    source.mkdir(exist_ok=True)
    return BindMount(PurePosixPath(source), PurePosixPath(target), read_only=False)


def scratch(target: str) -> TmpfsMount:
    return TmpfsMount(PurePosixPath(target), 1 << 20)


async def test_files_and_directories_lie_in_others(corner: Corner, tmp_path: Path) -> None:
    # In the order in which the compiler gives them: volumes, files, memory.
    files = ("/data/conf", "/scratch/deep/down/conf", "/tmp/conf", "/etc/app/conf")
    mounts: tuple[Mount, ...] = (
        volume(tmp_path, "/data"),
        volume(tmp_path, "/scratch/volume"),
        *(file(tmp_path, target) for target in files),
        scratch("/data/scratch"),
        scratch("/scratch"),
        scratch("/tmp"),
    )
    name = await corner.running(mounts=mounts)
    containers = corner.podman.containers
    seen = await containers.exec(name, ["cat", *files])
    assert seen.stdout == b"hello" * len(files), seen
    for place in ("/data", "/data/scratch", "/scratch", "/scratch/volume", "/tmp"):
        assert (await containers.exec(name, ["touch", f"{place}/new"])).exit_code == 0, place


@pytest.mark.parametrize("targets", [("/tmp", "/tmp"), ("/etc/a", "/etc/a/b")])
async def test_what_the_manifest_refuses_never_starts(corner: Corner, tmp_path: Path, targets: tuple[str, str]) -> None:
    above, below = targets
    mounts = (file(tmp_path, above), scratch(below) if above == below else file(tmp_path, below))
    with pytest.raises(PodmanError):
        await corner.running(mounts=mounts)
