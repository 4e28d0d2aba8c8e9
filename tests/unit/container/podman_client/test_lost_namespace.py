"""What the node does where Podman's user namespace is gone; the chaos tests have a real Podman lose it."""

from pathlib import Path

import pytest

from archipelago.container.podman_client.errors import PodmanUnavailable
from archipelago.container.podman_client.service import PodmanService

pytestmark = pytest.mark.timeout(30)

PROPOSAL = 'try resetting the pause process with "podman system migrate": could not find any running process'


def service(folder: Path, script: str) -> PodmanService:
    """Return the service of a program that notes how it is called, and then does something."""
    program = folder / "podman"
    program.write_text(f'#!/bin/sh\ncd {folder}\necho "$1 $2" >>calls\n{script}\n')
    program.chmod(0o700)
    return PodmanService(folder / "podman.sock", folder / "log", command=(str(program),))


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


async def test_podman_is_asked_for_another_one_until_it_has_seen_all_containers(tmp_path: Path) -> None:
    podman = service(
        tmp_path,
        f"""
        case $2 in
          migrate) [ $(grep -c migrate calls) = 3 ] || exit 125 ;;
          service) [ $(grep -c migrate calls) = 3 ] || echo '{PROPOSAL}'; exit 1 ;;
        esac""",
    )
    with pytest.raises(PodmanUnavailable, match="ended with code 1: it said nothing"):
        await podman.ensure()
    assert calls(tmp_path) == ["system service", *["system migrate"] * 3, "system service"]


async def test_what_an_earlier_start_said_stops_no_container(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"{PROPOSAL}\n")
    podman = service(tmp_path, "echo no luck; exit 3")
    with pytest.raises(PodmanUnavailable, match=r"ended with code 3: no luck$"):
        await podman.ensure()
    assert calls(tmp_path) == ["system service"]
