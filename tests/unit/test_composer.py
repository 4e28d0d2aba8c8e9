"""The composer: plans are made for the host as it is now."""

from pathlib import Path

import pytest

from archipelago.catalog.local import LocalCatalog
from archipelago.container.composer import Composer
from archipelago.container.dependency_resolver.errors import ResolutionCode, ResolutionError
from archipelago.container.host_facts import ControlGroup, HostFacts
from archipelago.container.image_recipe import Tools
from archipelago.container.images import ImageStore
from archipelago.container.manifest.model import Architecture
from archipelago.container.plan import Request
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.service import PodmanService
from archipelago.container.workload import Site
from archipelago.security.secrets_manager import SecretsManager

APPS = Path(__file__).resolve().parents[2] / "apps"
GIB = 1024**3


async def test_each_plan_looks_at_the_disk_anew_and_templates_do_not(tmp_path: Path) -> None:
    facts = HostFacts(Architecture.AMD64, memory=16 * GIB, cores=4, free_disk=100 * GIB)
    client = PodmanClient(PodmanService(tmp_path / "podman.sock", tmp_path / "podman.log"))  # never asked
    images = ImageStore(client, tmp_path / "builds", Tools("uv", Architecture.AMD64), None, None)  # type: ignore[arg-type]
    secrets = SecretsManager(tmp_path / "apps", tmp_path / "node.key")
    free = [100 * GIB, GIB, 100 * GIB]
    composer = Composer(
        Site("n", str(tmp_path), "/run/files", facts, ControlGroup()),
        secrets,
        images,
        free_disk=lambda: free.pop(0),
        reserved_ports=frozenset(),
    )
    catalog = await LocalCatalog(APPS).read()
    wanted = Request(install=("bitcoin-knots",))
    assert await composer.plan({}, wanted, catalog)
    with pytest.raises(ResolutionError) as refused:
        await composer.plan({}, wanted, catalog)
    assert refused.value.reason is ResolutionCode.HOST_TOO_SMALL
    assert "free disk" in refused.value.message
    assert await composer.plan({}, wanted, catalog)
    assert (free, composer.host) == ([], facts)
