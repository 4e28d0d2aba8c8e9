"""Makes on the host what the images of the guest's apps consist of: the guest has no network, and is slow."""

from pathlib import Path

import pytest

from support.harness import running_node
from vm.guest_apps import write_guest_apps


@pytest.mark.timeout(1200)
async def test_the_images_can_be_made(tmp_path: Path) -> None:
    async with running_node("images", apps=write_guest_apps(tmp_path / "catalog")) as node:
        await node.install("bitcoin-knots", options={"network": "regtest"})
        await node.install("quiet")
