"""From a lock file and a registry to node_modules: only what has the hash of the lock, and nothing is executed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.npm_packages.fetcher import NpmFetcher, sha512_of
from archipelago.container.images.npm_packages.packages import NpmPackages
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.package_lock import platform_of
from support.file_server import file_server
from support.npm_tarballs import entry_of, lock_of, member, package_of, tarball_of

X64 = platform_of(Architecture.AMD64)


def elf(machine: int) -> bytes:
    """Return the head of an addon for a machine."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(40)


class Scene:
    """Installs into a folder of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def install(
        self,
        url: str,
        entries: Mapping[str, Mapping[str, Any]],
        *,
        most: int = 1 << 30,
        free: int = 1 << 40,
        **more: Any,
    ) -> Path:
        """Return the folder that has node_modules."""
        self.count += 1
        work, into = self.folder / f"work-{self.count}", self.folder / f"into-{self.count}"
        into.mkdir()
        fetcher = NpmFetcher(url, FileCache(self.folder / "cache", digest=sha512_of))
        packages = NpmPackages(fetcher, most, lambda _: free)
        await packages.install(lock_of(entries), b"{}", X64, work, into, **more)
        return into


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A folder in which packages are installed."""
    return Scene(tmp_path)


async def refused(scene: Scene, tarball: bytes, reason: str, **more: Any) -> None:
    """Expect that a package `a` is not installed."""
    async with file_server({"a/-/a-1.0.0.tgz": tarball}, "npm/") as (url, _):
        with pytest.raises(PackagesRefused, match=reason):
            await scene.install(url, {"node_modules/a": entry_of(tarball)}, **more)


async def test_packages_lie_where_the_lock_says_with_links_to_their_programs(scene: Scene) -> None:
    a = package_of("a", files={"cli.js": b"#!/usr/bin/env node\n", "lib/x.js": b"x"})
    b, old = package_of("@s/b"), package_of("a", "0.9.0", {"run": b"old"})
    tarballs = {"a/-/a-1.0.0.tgz": a, "@s/b/-/b-1.0.0.tgz": b, "a/-/a-0.9.0.tgz": old}
    entries = {
        "node_modules/a": entry_of(a, bin={"a": "cli.js", "@x/gone": "built/later.js"}),
        "node_modules/@s/b": entry_of(b),
        "node_modules/@s/b/node_modules/a": entry_of(old, "0.9.0", bin={"a": "./run"}),
        "node_modules/same": entry_of(a, name="a", bin={"a": "cli.js"}),
    }
    async with file_server(tarballs, "npm/") as (url, asked):
        into = await scene.install(url, entries)
        assert len(asked) == 3, "each tarball once"
        again = await scene.install(url, entries)
        assert len(asked) == 3, "kept"
        for kept in (scene.folder / "cache").iterdir():
            kept.write_bytes(b"changed")
        await scene.install(url, entries)
        assert len(asked) == 6, "what somebody changed on the disk is fetched again"
    found = {str(path.relative_to(into)) for path in into.rglob("*") if not path.is_dir()}
    assert found == {str(path.relative_to(again)) for path in again.rglob("*") if not path.is_dir()}
    assert found >= {"node_modules/a/lib/x.js", "node_modules/@s/b/node_modules/a/run", "node_modules/same/cli.js"}
    assert (into / "node_modules/.bin/a").readlink() == Path("../a/cli.js")
    assert (into / "node_modules/@s/b/node_modules/.bin/a").read_bytes() == b"old"
    assert (into / "node_modules/a/cli.js").stat().st_mode & 0o777 == 0o755
    assert not (into / "node_modules/.bin/gone").exists()
    assert (into / "node_modules/a/lib/x.js").stat().st_mode & 0o777 == 0o644


async def test_another_content_is_refused_and_not_kept(scene: Scene) -> None:
    async with file_server({"a/-/a-1.0.0.tgz": package_of("a", files={"evil.js": b""})}, "npm/") as (url, _):
        with pytest.raises(PackagesRefused, match=r"a@1\.0\.0 has another hash than the lock file says"):
            await scene.install(url, {"node_modules/a": entry_of(package_of("a"))})
    assert not list((scene.folder / "cache").glob("*"))


async def test_what_cannot_be_had_is_said(scene: Scene) -> None:
    async with file_server({}, "npm/") as (url, _):
        with pytest.raises(PackagesRefused, match=r"a@1\.0\.0 cannot be downloaded.*404"):
            await scene.install(url, {"node_modules/a": entry_of(b"")})
        with pytest.raises(PackagesRefused, match="no integrity"):
            await scene.install(url, {"node_modules/a": {"version": "1.0.0"}})


@pytest.mark.parametrize(
    ("tarball", "reason"),
    [
        (tarball_of([(member("package/../../../x"), b"")]), "leads out"),
        (tarball_of([]), r"no package\.json"),
        (tarball_of([(member("p/package.json"), b"[]")]), r"no package\.json that can be read"),
        (package_of("b"), "says that it is 'b' in version '1.0.0'"),
        (package_of("a", "1.0.1"), "says that it is 'a' in version '1.0.1'"),
    ],
)
async def test_a_package_that_is_another_than_the_lock_says_is_refused(
    scene: Scene, tarball: bytes, reason: str
) -> None:
    await refused(scene, tarball, rf"the package a@1\.0\.0 is refused: .*{reason}")


async def test_packages_have_a_most_and_leave_room_on_the_disk(scene: Scene) -> None:
    tarball = package_of("a", files={"x": bytes(100_000)})
    await refused(scene, tarball, "more than 50000 bytes, unpacked", most=50_000)
    await refused(scene, tarball, "no space left", free=(128 << 20) + 50_000)


async def test_a_package_writes_into_no_folder_of_another(scene: Scene) -> None:
    outer, inner = package_of("a", files={"node_modules/b/x": b""}), package_of("b")
    blocking = package_of("a", files={"node_modules": b""})
    for first, reason in ((outer, "brings files into its folder"), (blocking, "has a file where its folder")):
        async with file_server({"a/-/a-1.0.0.tgz": first, "b/-/b-1.0.0.tgz": inner}, "npm/") as (url, _):
            entries = {"node_modules/a": entry_of(first), "node_modules/a/node_modules/b": entry_of(inner)}
            with pytest.raises(PackagesRefused, match=reason):
                await scene.install(url, entries)


async def test_an_addon_that_must_be_compiled_is_refused_unless_it_is_there_or_not_used(scene: Scene) -> None:
    gyp = {"binding.gyp": b"{}"}
    for built in (
        {},
        {"prebuilds/linux-arm64/x.node": elf(183)},
        {"prebuilds/linux-x64/x.musl.node": elf(62)},
        {"prebuilds/win32-x64/x.node": b"MZ"},
    ):
        await refused(scene, package_of("a", files=gyp | built), "brings no compiled one for linux-x64")
    good = package_of("a", files=gyp | {"prebuilds/linux-x64/x.glibc.node": elf(62)})
    without = package_of("b", files=gyp)
    async with file_server({"a/-/a-1.0.0.tgz": good, "b/-/b-1.0.0.tgz": without}, "npm/") as (url, _):
        entries = {"node_modules/a": entry_of(good), "node_modules/b": entry_of(without)}
        into = await scene.install(url, entries, without_addon=("b",))
    assert (into / "node_modules/b/binding.gyp").exists()
