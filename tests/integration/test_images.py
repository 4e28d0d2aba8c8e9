"""The builder, for real: packages from a distribution, a Containerfile, the cache, and the same image twice."""

import asyncio
import contextlib
import json
import os
import secrets
from pathlib import Path

import pytest

from archipelago.container.images.build.sandbox import BuildSandbox
from archipelago.container.images.store import ImageStore
from archipelago.container.manifest.package import AppPackage, load_package
from archipelago.container.podman_client.client import PodmanClient
from archipelago.errors import ErrorCode, NodeError
from archipelago.performance.host import read_host_facts
from archipelago.support.process import find_processes
from support.harness import KEPT_ARCHIVES, TestNode, has_image
from support.harness import podman as run_podman
from support.image_stores import build, prune, pulling, store_in
from support.kept_archives import kept
from support.podman_fixtures import busybox_rootfs
from support.small_disk import small_disk
from support.tiny_apps import write_app
from support.tiny_registry import TinyImage, tiny_registry

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]


@pytest.fixture
def store(podman: PodmanClient, tmp_path: Path) -> ImageStore:
    """A store with a work directory of its own."""
    for closed in (tmp_path, *tmp_path.parents[:2]):
        closed.chmod(0o711)  # as a node's data folder is: users of a build pass through
    return store_in(podman, tmp_path / "builds")


@pytest.fixture
def kept_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about packages: what mmdebstrap makes is made once for all of them."""
    monkeypatch.setattr(BuildSandbox, "run_tool", kept(KEPT_ARCHIVES))


def tiny(folder: Path, app: str) -> AppPackage:
    """Return a package that takes a second to build."""
    write_app(folder, app)
    return load_package(folder / app)


def any_library() -> bytes:
    """Return a library of this host, which has the name `libz.so.1` in it."""
    found = next(path for path in Path("/usr/lib").glob("*-linux-gnu/libz.so.1") if path.exists())
    return found.read_bytes()


def with_recipe(folder: Path, app: str, recipe: str, **files: str | bytes) -> AppPackage:
    """Return a package with another recipe (YAML), and with files beside its manifest."""
    write_app(folder, app)
    manifest = folder / app / "manifest.yml"
    manifest.write_text(manifest.read_text().replace("{type: packages, packages: [busybox-static]}", recipe))
    for name, content in files.items():
        (folder / app / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_package(folder / app)


async def test_an_unchanged_recipe_is_built_once_and_the_same_bytes_come_out_again(
    store: ImageStore, tmp_path: Path
) -> None:
    package = tiny(tmp_path, "twice")
    name = store.reference(package, "main")
    assert "stores the image" in await build(store, package)
    first = podman_layers(name)
    assert await build(store, package) == ["already here"]
    run_podman("rmi", name)
    await build(store, package)
    assert podman_layers(name) == first
    run_podman("rmi", name)


@pytest.mark.usefixtures("kept_archives")
async def test_another_version_than_the_manifests_is_said_and_no_hindrance(store: ImageStore, tmp_path: Path) -> None:
    package = tiny(tmp_path, "busybox-static")
    said = (await build(store, package))[-1]
    assert said.startswith("stored; it holds busybox-static 1:1.") and said.endswith("the manifest says 1.0")
    run_podman("rmi", store.reference(package, "main"))


async def test_nothing_of_a_package_is_executed(store: ImageStore, tmp_path: Path) -> None:
    # Set up, base-files makes these of its own files, and base-passwd the list of users.
    library = "files: [{source: library, path: /usr/lib/libz.so.1.9.9}]"
    recipe = f"{{type: packages, packages: [busybox-static, base-passwd], {library}}}"
    package = with_recipe(tmp_path, "unpacked", recipe, library=any_library())
    await build(store, package)
    name = store.reference(package, "main")
    busybox = ("run", "--rm", "--entrypoint", "/usr/bin/busybox", name)
    assert run_podman(*busybox, "ls", "/usr/share/base-files/profile", "/usr/share/base-passwd/passwd.master")
    configured = run_podman(*busybox, "ls", "-A", "/etc", "/root").split()
    assert "debian_version" in configured and not {"passwd", ".profile", "profile"} & set(configured)
    # ldconfig of the host is: programs ask for a library by the name that is in it, and packages may not have that.
    assert run_podman(*busybox, "readlink", "/usr/lib/libz.so.1") == "libz.so.1.9.9"
    assert "ld.so.cache" in configured and "ldconfig" not in run_podman(*busybox, "ls", "/var/cache")
    run_podman("rmi", name)


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
async def test_security_updates_are_among_the_sources(store: ImageStore, tmp_path: Path, suite: str) -> None:
    # mmdebstrap fails where a source cannot be had or is not signed; the list of them is in the image.
    package = with_recipe(tmp_path, suite, f"{{type: packages, suite: {suite}, packages: [busybox-static]}}")
    await build(store, package)
    name = store.reference(package, "main")
    listed = run_podman("run", "--rm", "--entrypoint", "/usr/bin/busybox", name, "cat", "/etc/apt/sources.list")
    assert f"debian-security {suite}-security main" in listed and f"{suite}-updates main" in listed
    run_podman("rmi", name)


@pytest.mark.usefixtures("kept_archives")
async def test_what_bears_a_name_that_was_not_given_here_is_built_anew(store: ImageStore, tmp_path: Path) -> None:
    package = tiny(tmp_path, "swapped")
    name = store.reference(package, "main")
    await build(store, package)
    ours = await store.image_id(package, "main")
    other = tiny(tmp_path, "intruder")
    await build(store, other)
    run_podman("tag", store.reference(other, "main"), name)
    intruder = run_podman("image", "inspect", "--format", "{{.Id}}", name)
    assert await store.image_id(package, "main") is None
    assert "stores the image" in await build(store, package)
    again = await store.image_id(package, "main")
    assert again is not None and again != intruder and ours is not None


def podman_layers(name: str) -> str:
    """Return the digests of an image's layers."""
    return run_podman("image", "inspect", name, "--format", "{{json .RootFS.Layers}}")


@pytest.mark.usefixtures("kept_archives")
async def test_what_nobody_needs_is_pruned_and_what_is_kept_stays(store: ImageStore, tmp_path: Path) -> None:
    kept, gone = tiny(tmp_path, "kept"), tiny(tmp_path, "gone")
    for package in (kept, gone):
        await build(store, package)
    built = {line for line in run_podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines() if line}
    await prune(store, built - {store.reference(gone, "main")})
    left = run_podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    assert store.reference(kept, "main") in left
    assert store.reference(gone, "main") not in left
    run_podman("rmi", store.reference(kept, "main"))


def builders(work: Path) -> list[int]:
    """Return the processes that build in this directory or below it."""
    mark = os.fsencode(work)
    return find_processes(lambda process: mark in (process / "environ").read_bytes())


async def until_unpacked(work: Path, build: asyncio.Task[str]) -> None:
    """Return once a root file system is being filled."""
    while not list(work.glob("build-*/tool/mmdebstrap.*/var/lib/dpkg")):
        assert not build.done()
        await asyncio.sleep(0.02)  # no event tells a stranger


async def test_a_cancelled_build_leaves_nothing(store: ImageStore, tmp_path: Path) -> None:
    await store.clean()
    not_ours = others(set())
    unneeded = await store.ensure(tiny(tmp_path, "unneeded"), "main", lambda _: None)
    build = asyncio.create_task(store.ensure(tiny(tmp_path, "cancelled"), "main", lambda _: None))
    await until_unpacked(tmp_path / "builds", build)
    build.cancel()
    await asyncio.wait([build])
    await prune(store, not_ours)
    assert unneeded not in others(set()), "a cancelled build holds no image"
    assert not list((tmp_path / "builds").iterdir())
    assert not builders(tmp_path / "builds")
    assert "mmdebstrap" not in run_podman("unshare", "cat", "/proc/mounts")


async def test_a_build_that_outlives_its_daemon_is_ended_by_the_next_one(tmp_path: Path) -> None:
    node = TestNode("outlived", apps=tmp_path / "catalog")
    write_app(tmp_path / "catalog", "big", packages="busybox-static, python3, perl-base")
    work = node.root / "tmp" / "builds"
    await node.destroy()
    try:
        await node.start()
        await node.call("container-install", app="big")
        await until_unpacked(work, asyncio.create_task(asyncio.sleep(250, "")))
        node.kill()
        left = builders(work)
        assert left
        await node.start()
        assert not set(left) & set(builders(work)), "what the next start builds is its own"
        await node.stop()
        assert not list(work.iterdir())
    finally:
        await node.destroy()


async def test_a_containerfile_is_built_upon_an_image_by_its_digest(store: ImageStore, tmp_path: Path) -> None:
    architecture = read_host_facts(tmp_path).architecture.value
    image = TinyImage(busybox_rootfs(tmp_path / "root.tar").read_bytes(), architecture, {"of": "the base"})
    async with tiny_registry(Path.home(), tmp_path, image) as host:
        pinned = f"{host}/a/base@{image.digest}"
        body = (
            'ENV A="x \\"y\\"" PATH=/opt:$PATH\nLABEL of.mine="a b"\nWORKDIR /srv/app\nCOPY --chown=10:20 greeting .\n'
            'RUN ["/bin/sh", "-c", "echo $A >/made; ls -ln >>/made; id -u >>/made"]\nUSER 10:20\nRUN id -u >greeting\n'
            'EXPOSE 80\nENTRYPOINT ["/bin/cat"]\nCMD ["/made", "greeting"]\n'
        )
        package = with_recipe(
            tmp_path, "ours", "{type: containerfile}", Containerfile=f"FROM {pinned}\n{body}", greeting="hello"
        )
        said = await build(store, package)
        name = store.reference(package, "main")
        assert "step 4 of 4: RUN id -u >greeting" in said
        first, _, listed, *rest = run_podman("run", "--rm", name).splitlines()
        assert first == 'x "y"' and listed.split()[2:5] == ["10", "20", "5"] and rest == ["0", "10"]
        config = json.loads(run_podman("image", "inspect", name, "--format", "{{json .Config}}"))
        assert set(config["Env"]) >= {'A=x "y"'} and config["Labels"]["of.mine"] == "a b"
        assert config["Labels"]["of"] == "the base" and config["ExposedPorts"] == {"80/tcp": {}}
        assert config["User"] == "10:20" and config["WorkingDir"] == "/srv/app"
        run_podman("rmi", name)
        await prune(store, others(set()))
        assert not has_image(pinned), "once it is built, the image to begin with is not needed"


async def test_a_containerfile_upon_packages_needs_no_registry_and_gives_the_same_layers_again(
    store: ImageStore, tmp_path: Path
) -> None:
    recipe = "{type: containerfile, base: {suite: bookworm, packages: [dash, coreutils]}}"
    containerfile = "ARG BASE\nFROM $BASE\nCOPY greeting /etc/greeting\nRUN cat /etc/greeting >/made && mkdir /here\n"
    package = with_recipe(tmp_path, "upon", recipe, Containerfile=containerfile, greeting="hello")
    other = with_recipe(tmp_path, "sharer", recipe, Containerfile="ARG BASE\nFROM $BASE\nRUN touch /x\n")
    name = store.reference(package, "main")
    before = image_ids()
    said = await build(store, package)
    assert "fetches packages from Debian bookworm" in said and said[-1] == "built"
    assert run_podman("run", "--rm", "--entrypoint", "/bin/cat", name, "/made") == "hello"
    first = podman_layers(name)
    base = run_podman("image", "inspect", name, "--format", '{{index .Labels "io.archipelago.base"}}')
    assert "fetches packages from Debian bookworm" not in await build(store, other), "the base is shared"
    await prune(store, others({store.reference(other, "main"), base}))
    assert podman_layers(base), "what a kept image is built upon is kept"
    await prune(store, others({name, base}))
    assert image_ids() == before, "no layer is left that the next build could take instead of making it"
    await build(store, package)
    assert podman_layers(name) == first
    await prune(store, others({name, base}))


@pytest.mark.usefixtures("kept_archives")
async def test_the_steps_of_a_build_are_not_pruned(store: ImageStore, tmp_path: Path) -> None:
    steps = "".join(f"RUN mkdir /here-{number}\n" for number in range(8))
    recipe = "{type: containerfile, base: {suite: bookworm, packages: [dash, coreutils]}}"
    package = with_recipe(tmp_path, "steps", recipe, Containerfile=f"ARG BASE\nFROM $BASE\n{steps}")
    before, not_ours = image_ids(), others(set())
    await store.clean()
    build = asyncio.create_task(store.ensure(package, "main", lambda _: None))
    while not build.done():
        await prune(store, not_ours | {store.reference(package, "main")})
        await asyncio.sleep(0)  # the build's turn
    assert podman_layers(await build)
    await prune(store, not_ours)
    assert image_ids() == before


def image_ids() -> set[str]:
    """Return the ids of all images, also of those that have no name."""
    return set(run_podman("images", "--all", "--quiet", "--no-trunc").splitlines())


def others(mine: set[str]) -> set[str]:
    """Return the names of all images but these."""
    return set(run_podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()) - mine


async def test_a_pulled_image_goes_when_nobody_needs_it_and_not_before(store: ImageStore, tmp_path: Path) -> None:
    root = busybox_rootfs(tmp_path / "root.tar").read_bytes()
    architecture = read_host_facts(tmp_path).architecture.value
    # Others than those that a run which was killed may have left.
    old, new = (TinyImage(root, architecture, {"io.archipelago.test": secrets.token_hex(8)}) for _ in range(2))
    async with tiny_registry(Path.home(), tmp_path, old, new) as host:
        name, moved, newer = (
            f"{host}/{where}@{image.digest}" for where, image in (("a/app:1", old), ("b/app", old), ("a/app:2", new))
        )
        first, second = pulling(tmp_path, "first", name), pulling(tmp_path, "second", newer)
        built = others(set())
        said = await build(store, first)
        assert any("Copying blob" in line for line in said)
        assert await build(store, first) == ["already here"]
        await build(store, second)
        old_id, new_id = image_id(name), image_id(newer)
        await prune(store, built | {name, newer})
        assert {old_id, new_id} <= image_ids()
        # An update to a reference with the same content under another name; Podman takes what it has.
        third = pulling(tmp_path, "third", moved)
        await build(store, third)
        assert f"sha256:{await store.image_id(third, 'main')}" == old_id
        await prune(store, built | {moved, newer})
        container = run_podman("create", old_id, "/bin/true")
        # An update while the old container is still there, and again once it is gone.
        await prune(store, built | {newer})
        assert old_id in image_ids()
        run_podman("rm", container)
        # The owner's own name for an image is left alone, and so the image stays.
        run_podman("tag", old_id, "localhost/mine:1")
        await prune(store, built | {newer})
        assert image_id("localhost/mine:1") == old_id and image_id(newer) == new_id
        run_podman("rmi", "localhost/mine:1")
        assert old_id not in image_ids()
        # A crash may come between the removal of its name and that of the node's mark.
        run_podman("rmi", newer)
        assert f"sha256:{await store.image_id(second, 'main')}" == new_id
        # What was taken away comes again when it is asked for; at last nothing is left.
        await build(store, first)
        assert image_id(name) == old_id
        await prune(store, built)
        assert image_ids().isdisjoint({old_id, new_id})


def image_id(name: str) -> str:
    """Return the id of an image, as the list of images has it."""
    return f"sha256:{run_podman('image', 'inspect', name, '--format', '{{.Id}}')}"


async def test_a_full_disk_is_said_leaves_nothing_and_the_build_works_once_there_is_room(
    podman: PodmanClient, tmp_path: Path
) -> None:
    recipe = "{type: packages, packages: [busybox-static], files: [{source: greeting, path: /etc/greeting}]}"
    package = with_recipe(tmp_path, "full", recipe, greeting="hello")
    with small_disk(size="320m", files=4000) as disk:
        store = store_in(podman, disk / "builds")
        (disk / "builds").mkdir()
        # What fails is, in turn: the first directory, a file of the recipe, what the packages are written to.
        for filler in (take_files, take_space, take_most_space):
            taken = filler(disk)
            with pytest.raises(NodeError) as refused:
                await store.ensure(package, "main", lambda _: None)
            assert refused.value.code is ErrorCode.DISK_FULL, f"{filler.__name__}: {refused.value}"
            assert "full" in refused.value.message and refused.value.hint
            assert [*(disk / "builds").iterdir()] == []
            for path in taken:
                path.unlink()
        await build(store, package)
    run_podman("rmi", store.reference(package, "main"))


def take_files(disk: Path) -> list[Path]:
    """Use up the number of files."""
    paths = []
    with contextlib.suppress(OSError):
        while True:
            path = disk / f"file-{len(paths)}"
            path.touch()
            paths.append(path)
    return paths


def take_space(disk: Path, *, left: int = 0) -> list[Path]:
    """Use up the space, but for `left` bytes."""
    path = disk / "space"
    free = os.statvfs(disk)
    path.write_bytes(bytes(free.f_bavail * free.f_bsize - left))
    return [path]


def take_most_space(disk: Path) -> list[Path]:
    """Leave room for the recipe's own files, not for its packages."""
    return take_space(disk, left=64 * 1024)
