"""What a container has that no manifest says: volumes and health checks of its image, and names of the host."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from support.checkout import CHECKOUT
from support.podman_fixtures import TEST_IMAGE, Corner

pytestmark = pytest.mark.timeout(300)

CONFIGURATION = CHECKOUT / "scripts" / "config" / "containers.conf"
OVER_HOSTS = 'mount --bind "$1" /etc/hosts && echo on && cat; umount /etc/hosts'
Command = Callable[..., Awaitable[str]]


@pytest.fixture
def podman_command() -> Command:
    """Podman's own command, for what the client never asks for: it returns what was printed."""

    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec("podman", *arguments, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0, arguments
        return output.decode().strip()

    return run


async def test_an_image_s_own_volumes_and_health_check_are_left_out(
    corner: Corner, podman_command: Command, tmp_path: Path
) -> None:
    image = f"localhost/{corner.name('declares')}:1"
    recipe = tmp_path / "Containerfile"
    recipe.write_text(f'FROM {TEST_IMAGE}\nVOLUME /data\nHEALTHCHECK CMD ["touch", "/tmp/checked"]\n')
    await podman_command("build", "--format", "docker", "--pull=never", "--tag", image, str(tmp_path))
    try:
        name = await corner.running("box", image=image)
        shown = await podman_command("inspect", "--format", "{{.Mounts}} {{.Config.Healthcheck.Test}}", name)
        assert shown == "[] [NONE]"
    finally:
        await corner.podman.containers.remove(corner.name("box"), force=True)
        await corner.podman.images.remove(image)


async def test_a_container_takes_its_nameless_volumes_along(corner: Corner, podman_command: Command) -> None:
    containers, volumes = corner.podman.containers, corner.podman.volumes
    label = next(f"{key}={value}" for key, value in corner.labels.items())
    for what, goes in (("goes", True), ("stays", False)):
        name = corner.name(what)
        await podman_command("create", "--name", name, "--label", label, "--volume", "/data", TEST_IMAGE)
        volume = await podman_command("inspect", "--format", "{{range .Mounts}}{{.Name}}{{end}}", name)
        assert volume and volume not in await volumes.list_unused()
        await containers.remove(name, volumes=goes)
        assert (volume in await volumes.list_unused()) is not goes
    await podman_command("volume", "rm", volume)


async def test_a_removal_waits_as_long_as_it_is_told(corner: Corner) -> None:
    ignores = ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    containers, name = corner.podman.containers, await corner.running("box", *ignores)
    began = asyncio.get_running_loop().time()
    await containers.remove(name, force=True, timeout=2)
    assert asyncio.get_running_loop().time() - began > 2
    assert not await containers.exists(name)


def test_a_name_of_the_host_hides_no_container(busybox_image: str, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n192.0.2.7 db my-nas.example\n")
    # Where Podman looks, and nobody else.
    with subprocess.Popen(
        ["podman", "unshare", "sh", "-c", OVER_HOSTS, "sh", str(hosts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "on\n"
        seen = subprocess.run(
            ["podman", "run", "--rm", "--name", "archipelago-hosts--main", TEST_IMAGE, "cat", "/etc/hosts"],
            env={**os.environ, "CONTAINERS_CONF": str(CONFIGURATION)},
            capture_output=True,
            text=True,
            timeout=250,
        )
        holder.stdin.close()
    names = {name for line in seen.stdout.splitlines() for name in line.split()[1:]}
    assert "localhost" in names and "archipelago-hosts--main" in names, seen
    assert names.isdisjoint({"db", "my-nas.example"})
