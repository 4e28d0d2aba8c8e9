"""Go programs from a recipe, for real: a module proxy, Go from Debian, and a build without a network."""

from pathlib import Path

import pytest

from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.errors import NodeError
from support.harness import podman as run_podman
from support.image_stores import build, prune, store_in
from support.tiny_apps import write_app

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]

MOD = """module archipelago.local/hello

go 1.24

require rsc.io/hello v1.0.0

require (
	golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c // indirect
	rsc.io/quote v1.5.1 // indirect
	rsc.io/sampler v1.3.0 // indirect
)
"""
SUM = """golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c h1:qgOY6WgZOaTkIIMiVjBQcw93ERBE4m30iBm00nkL0i8=
golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=
rsc.io/hello v1.0.0 h1:CDmhdOARcor1WuRUvmE46PK91ahrSoEJqiCbf7FA56U=
rsc.io/hello v1.0.0/go.mod h1:Ywh+qpdIIdBNJrcIhJJPIP8CAJHgu2oVb7psDYkaKAc=
rsc.io/quote v1.5.1 h1:ptSemFtffEBvMed43o25vSUpcTVcqxfXU8Jv0sfFVJs=
rsc.io/quote v1.5.1/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=
rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=
rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=
"""


@pytest.fixture
def store(podman: PodmanClient, tmp_path: Path) -> ImageStore:
    """A store with a work directory of its own."""
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is
    return store_in(podman, tmp_path / "builds")


def go_app(folder: Path, app: str, *, mod: str = MOD, sums: str = SUM) -> AppPackage:
    """Return an app with a Go program."""
    write_app(folder, app)
    manifest = folder / app / "manifest.yml"
    recipe = "{type: packages, packages: [busybox-static], go: {programs: [rsc.io/hello]}}"
    manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
    (folder / app / "go.mod").write_text(mod)
    (folder / app / "go.sum").write_text(sums)
    return load_package(folder / app)


async def test_a_program_is_built_from_its_modules_and_the_same_bytes_come_again(
    store: ImageStore, tmp_path: Path
) -> None:
    package = go_app(tmp_path, "hello")
    name = store.reference(package, "main")
    said = await build(store, package)
    assert "fetches Go modules" in said and "builds Go programs" in said
    assert run_podman("run", "--rm", "--entrypoint", "/usr/local/bin/hello", name) == "Hello, world."
    layers = run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}")
    run_podman("rmi", name)

    # Go compares what it is given with go.sum itself, and nothing of it comes from a network.
    without = go_app(tmp_path, "without", sums="".join(SUM.splitlines(keepends=True)[2:]))
    with pytest.raises(NodeError, match=r"missing go\.sum entry.* golang\.org/x/text"):
        await build(store, without)
    await build(store, package)
    assert run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}") == layers
    run_podman("rmi", name)
    await prune(store, set())


async def test_a_go_sum_that_says_another_hash_is_refused_before_anything_is_compiled(
    store: ImageStore, tmp_path: Path
) -> None:
    other = SUM.replace("CDmhdOARcor1WuRUvmE46PK91ahrSoEJqiCbf7FA56U=", "J7Y8YcW2NihsgmVo/mv3lAwl/skON4iLHjSsI+c5H38=")
    with pytest.raises(NodeError, match=r"rsc\.io/hello@v1\.0\.0 has another hash than go.sum says"):
        await build(store, go_app(tmp_path, "other", sums=other))
