"""What commands that cannot be begun leave in Podman's storage: nothing."""

import contextlib
import json
import re

import pytest

from archipelago.container.podman_client.errors import PodmanError
from support.harness import podman
from support.podman_fixtures import Corner

pytestmark = pytest.mark.timeout(300)


def folders(container: str) -> set[str]:
    """Return the names of the folders that Podman keeps of a container's exec sessions."""
    graph = podman("info", "--format", "{{.Store.GraphRoot}}")
    full = podman("inspect", "--format", "{{.Id}}", container)
    found = podman("unshare", "ls", f"{graph}/overlay-containers/{full}/userdata")
    return {name for name in found.split() if re.fullmatch("[0-9a-f]{64}", name)}


async def test_a_command_that_cannot_be_begun_leaves_no_session_and_no_folder(corner: Corner) -> None:
    name = await corner.running()
    before = folders(name)
    run = corner.podman.containers.exec
    for _ in range(3):
        assert (await run(name, ["/no/such/program"])).exit_code == 127
        assert (await run(name, ["/etc"])).exit_code == 126
        for how in ({"user": "nobody-here"}, {"workdir": "/no/such/folder"}):
            with contextlib.suppress(PodmanError):
                assert (await run(name, ["true"], **how)).exit_code != 0
        for size in (None, (80, 24)):
            opened = await corner.podman.containers.terminal(name, ["/no/such/program"], size)
            while await opened.read():
                pass
            assert await opened.exit_code() == 127
            await opened.close()
    sessions = json.loads(podman("inspect", "--format", "{{json .ExecIDs}}", name)) or []
    assert (sessions, folders(name) - before) == ([], set())
    assert (await corner.podman.containers.exec(name, ["echo", "well"])).stdout == b"well\n"
