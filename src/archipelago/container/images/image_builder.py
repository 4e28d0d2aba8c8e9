"""Builds images: from a distribution's packages, or from a Containerfile, upon what was made or pulled before."""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import structlog

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images import recipe as image_recipe
from archipelago.container.images.build import agent as build_agent
from archipelago.container.images.build.containerfile import BuildInput, ContainerfileBuilder
from archipelago.container.images.build.sandbox import BuildSandbox
from archipelago.container.images.build.tool_process import environment, removal, run_tool
from archipelago.container.images.errors import tool_failed
from archipelago.container.images.file_cache import FileCache
from archipelago.container.images.go_modules.fetcher import GoModuleFetcher
from archipelago.container.images.go_modules.hashes import go_digest
from archipelago.container.images.go_modules.program_builder import GoProgramBuilder
from archipelago.container.images.local_images import LocalImages
from archipelago.container.images.npm_packages.fetcher import NpmFetcher, sha512_of
from archipelago.container.images.npm_packages.packages import NpmPackages
from archipelago.container.images.progress import FetchProgress, OnProgress, scaled
from archipelago.container.images.python_packages.fetcher import Fetched, PackageFetcher
from archipelago.container.images.python_packages.installer import Wheel, WheelInstaller
from archipelago.container.images.python_packages.packages import PythonPackages
from archipelago.container.images.python_packages.source_builder import ConfinedBuilder
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.recipe import (
    BASE_LABEL,
    BUILT_LABEL,
    NODE_PACKAGES,
    PROGRAMS,
    PYTHON_PACKAGES,
    BuildTools,
)
from archipelago.container.manifest.containerfile.instructions import ContainerfileError
from archipelago.container.manifest.containerfile.reader import base_image
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.images import ContainerfileRecipe, GoBuild, NpmInstall, PackagesRecipe
from archipelago.container.manifest.package import AppPackage
from archipelago.container.manifest.package_lock import platform_of
from archipelago.container.podman_client.client import PodmanClient
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.support.texts.text import msg


class ImageBuilder:
    """Builds one image at a time of each name. What a cancel leaves behind is removed.

    `work` is a directory on disk that nobody else uses.
    """

    def __init__(
        self,
        client: PodmanClient,
        local: LocalImages,
        sandbox: BuildSandbox,
        python: PythonPackages,
        modules: GoModuleFetcher,
        npm: NpmPackages,
        tools: BuildTools,
        verifier: ImageVerifier,
        work: Path,
    ) -> None:
        self._client = client
        self._local = local
        self._sandbox = sandbox
        self._python = python
        self._modules = modules
        self._npm = npm
        self._tools = tools
        self._verifier = verifier
        self._work = work
        self._containerfiles = ContainerfileBuilder(client, sandbox)
        self._log = structlog.get_logger("images")

    @classmethod
    def of(
        cls,
        client: PodmanClient,
        local: LocalImages,
        tools: BuildTools,
        verifier: ImageVerifier,
        work: Path,
        downloads: Path,
        cgroup: ControlGroup,
    ) -> Self:
        """Return a builder with all that it builds with; `downloads` keeps what was fetched by its hash."""
        sandbox = BuildSandbox(client, work, cgroup)
        python = PythonPackages(PackageFetcher(tools.python_index, FileCache(downloads)), WheelInstaller(tools.uv))
        modules = GoModuleFetcher(tools.module_proxy, FileCache(downloads, digest=go_digest))
        npm = NpmPackages(NpmFetcher(tools.npm_registry, FileCache(downloads, digest=sha512_of)))
        return cls(client, local, sandbox, python, modules, npm, tools, verifier, work)

    async def build(self, package: AppPackage, spec: Container, name: str, report: OnProgress) -> None:
        """Build the image of a container by its recipe, under a name. Raises `NodeError` and `PodmanError`."""
        digest = image_recipe.recipe_digest(package, spec)
        match spec.build:
            case PackagesRecipe() as recipe:
                await self._from_packages(package, recipe, name, digest, report)
            case ContainerfileRecipe() as recipe:
                base = image_recipe.base_recipe(recipe)
                if base is None:
                    await self._from_containerfile(package, recipe, name, {BUILT_LABEL: digest}, report)
                else:
                    await self._upon_base(package, recipe, base, name, digest, report)

    async def _upon_base(
        self,
        package: AppPackage,
        recipe: ContainerfileRecipe,
        base: PackagesRecipe,
        name: str,
        digest: str,
        report: OnProgress,
    ) -> None:
        async with self._base(package, base, scaled(report, 0.0, 50.0)) as upon:
            labels = {BUILT_LABEL: digest, BASE_LABEL: upon}
            await self._from_containerfile(package, recipe, name, labels, scaled(report, 50.0, 100.0), base=upon)

    @contextlib.asynccontextmanager
    async def _base(self, package: AppPackage, base: PackagesRecipe, report: OnProgress) -> AsyncIterator[str]:
        """Yield the reference of an image to build upon, which is made where it is not here."""
        upon = image_recipe.base_reference(base)
        # To the end: another app may be built upon it at the same time.
        async with self._local.turn(upon):
            found = await self._local.image_id(upon)
            if found is None or not await self._local.is_ours(upon, found):
                await self._from_packages(package, base, upon, image_recipe.base_digest(base), report)
                await self._local.sign(upon)
            yield upon

    @contextlib.asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """Yield a directory for one build, which is removed after it."""
        folder = self._work / f"build-{secrets.token_hex(8)}"
        making = asyncio.create_task(asyncio.to_thread(folder.mkdir, 0o700))

        async def remove() -> None:
            # A thread that was asked to make the directory does so, whoever no longer waits for it.
            await asyncio.wait([making])
            await run_tool(removal(folder), environment())

        try:
            await asyncio.shield(making)
            yield folder
        finally:
            # Files of the user namespace's other ids may be in it; a cancelled build is cleaned up all the same.
            await asyncio.shield(asyncio.create_task(remove()))

    async def _from_packages(
        self, package: AppPackage, recipe: PackagesRecipe, name: str, digest: str, report: OnProgress
    ) -> None:
        async with self._folder() as folder:
            overlay, shown = folder / "overlay", Path(build_agent.SHOWN)
            await asyncio.to_thread(_write, overlay, image_recipe.overlay_files(recipe, package.files))
            if recipe.python is not None:
                report(FetchProgress(msg("fetches Python packages"), 5.0))
                await self._install_python(package, recipe, folder / "python", overlay / PYTHON_PACKAGES, report)
            if recipe.go is not None:
                into = await asyncio.to_thread(_make_open, overlay, Path(PROGRAMS))
                await self._build_go(package, recipe.go, folder / "go", into, report)
            if recipe.npm is not None:
                report(FetchProgress(msg("fetches npm packages"), 20.0))
                into = await asyncio.to_thread(_make_open, overlay, Path(NODE_PACKAGES))
                await self._install_npm(package, recipe.npm, folder / "npm", into)
            report(FetchProgress(msg("fetches packages from Debian {suite}", suite=recipe.suite), 30.0))
            main = image_recipe.main_package(package.manifest.id, recipe)
            command = image_recipe.mmdebstrap_command(
                recipe, self._tools, shown / "overlay", shown / "tool" / "output.tar", shown=main
            )
            code, printed = await self._sandbox.run_tool(command, folder, _hidden())
            if code != 0:
                raise tool_failed(package, "mmdebstrap", code, printed)
            report(FetchProgress(msg("stores the image"), 80.0))
            changes = (f"LABEL {BUILT_LABEL}={digest}", "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            await self._client.images.import_tar(name, folder / "output.tar", changes=changes)
        report(FetchProgress(self._stored(package, main, printed), 100.0))

    async def _install_python(
        self, package: AppPackage, recipe: PackagesRecipe, folder: Path, into: Path, report: OnProgress
    ) -> None:
        assert recipe.python is not None
        target = PythonTarget(recipe.suite, self._tools.architecture)
        how, backends = recipe.python_build, folder / "site"

        async def build(sources: Sequence[Fetched], target: PythonTarget, own: Path) -> list[Wheel]:
            assert how is not None
            await self._python.install(package.files[how.requirements], target, folder / "backends", backends, None)
            base = image_recipe.python_builder(recipe, how)
            async with self._base(package, base, scaled(report, 5.0, 20.0)) as image, self._folder() as root:
                report(FetchProgress(msg("builds Python packages"), 20.0))
                return await ConfinedBuilder(self._sandbox, image, backends).build(sources, target, own, root)

        await self._python.install(package.files[recipe.python], target, folder, into, build if how else None)

    async def _build_go(
        self, package: AppPackage, build: GoBuild, folder: Path, into: Path, report: OnProgress
    ) -> None:
        report(FetchProgress(msg("fetches Go modules"), 5.0))
        proxy = folder / "proxy"
        await asyncio.to_thread(proxy.mkdir, 0o700, True)
        await self._modules.fetch(package.files[build.sums], proxy)
        main = {"go.mod": package.files[build.module], "go.sum": package.files[build.sums]}
        base = image_recipe.go_builder(build)
        async with self._base(package, base, scaled(report, 10.0, 15.0)) as image, self._folder() as root:
            report(FetchProgress(msg("builds Go programs"), 15.0))
            builder = GoProgramBuilder(self._sandbox, image)
            await builder.build(build, main, proxy, folder / "build", root, into)
        await asyncio.to_thread(shutil.rmtree, folder)

    async def _install_npm(self, package: AppPackage, npm: NpmInstall, folder: Path, into: Path) -> None:
        lock, description = package.files[npm.lock], package.files[npm.package]
        platform = platform_of(self._tools.architecture)
        await self._npm.install(
            lock, description, platform, folder, into, optional=npm.optional, without_addon=npm.without_addon
        )
        await asyncio.to_thread(shutil.rmtree, folder)

    def _stored(self, package: AppPackage, main: str | None, printed: str) -> str:
        """Return what is said of a stored image; a suite moves on, so the version in it may not be the manifest's."""
        installed = image_recipe.installed_version(main, printed) if main else None
        said = package.manifest.version
        if installed is None or image_recipe.is_version(said, installed):
            return msg("stored")
        self._log.warning("another version than the manifest's", app=main, manifest=said, installed=installed)
        return f"stored; it holds {main} {installed}, where the manifest says {said}"

    async def _from_containerfile(
        self,
        package: AppPackage,
        recipe: ContainerfileRecipe,
        name: str,
        labels: Mapping[str, str],
        report: OnProgress,
        *,
        base: str | None = None,
    ) -> None:
        text = package.files[recipe.containerfile].decode("utf-8", "replace")
        image = base or await self._pulled_base(package, text, report)
        given = BuildInput(text, package.files, (await self._local.inspect(image)).id, base is not None)
        async with self._folder() as folder:
            await self._containerfiles.build(given, name, labels, folder, report)

    async def _pulled_base(self, package: AppPackage, text: str, report: OnProgress) -> str:
        """Return the image with which a Containerfile starts, by its digest; it is here."""
        image = base_image(text)
        if image is None:
            raise ContainerfileError(1, msg("the recipe has no 'base' for $BASE"), msg("add it to the manifest"))
        await self._verifier.verify(package.manifest.id, image, None)
        found = await self._local.image_id(image)
        if found is None:
            # Its percents are not those of the build, of which it is the start.
            await self._local.pull(image, lambda progress: report(FetchProgress(progress.text, 0.0)))
        await self._client.images.tag(found or image, image_recipe.pulled_mark(image))
        return image


def _hidden() -> tuple[Path, ...]:
    """Return what a program that downloads has no business with: the node's data, and its sockets."""
    found = (os.environ.get(name) for name in ("HOME", "XDG_RUNTIME_DIR"))
    return tuple(Path(path) for path in found if path)


def _write(folder: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    _make_open(folder, Path())
    for name, (content, mode) in files.items():
        path = folder / name
        _make_open(folder, Path(name).parent)
        path.write_bytes(content)
        path.chmod(mode)


def _make_open(folder: Path, path: Path) -> Path:
    """Make a folder below another one, and return it; users of containers come through."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in (*reversed(path.parents), path):
        # Not by mkdir's own mode, from which the umask takes.
        (folder / each).mkdir(exist_ok=True)
        (folder / each).chmod(0o755)
    return folder / path
