"""The only place that pulls or builds images."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import structlog

from archipelago.container.dependency_resolver.host_facts import ControlGroup
from archipelago.container.images import recipe as image_recipe
from archipelago.container.images.build import agent as build_agent
from archipelago.container.images.build.containerfile import BuildInput, ContainerfileBuilder
from archipelago.container.images.build.sandbox import BUILD_VARIABLE, BuildSandbox
from archipelago.container.images.build.tool_process import environment, run_tool
from archipelago.container.images.declared_volumes import refuse_hidden_data
from archipelago.container.images.errors import explained, tool_failed
from archipelago.container.images.progress import PullProgress
from archipelago.container.images.python_packages.cache import PackageCache
from archipelago.container.images.python_packages.fetcher import Fetched, PackageFetcher
from archipelago.container.images.python_packages.installer import Wheel, WheelInstaller
from archipelago.container.images.python_packages.packages import PythonPackages
from archipelago.container.images.python_packages.source_builder import ConfinedBuilder
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.recipe import PULLED, PYTHON_PACKAGES, REPOSITORY, BuildTools
from archipelago.container.manifest.containerfile.reader import ContainerfileError, base_image
from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.model.images import ContainerfileRecipe, PackagesRecipe
from archipelago.container.manifest.package import AppPackage
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.errors import NameMismatch, NotFound, PodmanConflict, PodmanError
from archipelago.container.podman_client.models import ImageDetails
from archipelago.errors import NodeError
from archipelago.security import sbom
from archipelago.security.image_verifier.built import BuiltImages
from archipelago.security.image_verifier.signers import signer_of
from archipelago.security.image_verifier.verifier import ImageVerifier
from archipelago.storage.layout import OLD_PACKAGE_CACHE
from archipelago.support.broadcast import Signal
from archipelago.support.process import PODMAN_UMASK, find_processes, process_exit

_LABEL = "io.archipelago.built"
_BASE_LABEL = "io.archipelago.base"
"""On an image that was built upon another one made here: its reference."""
_READER = Path(sbom.__file__).with_name("reader.py")
"""What runs where Podman can mount an image."""


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far an image is: what is done now, and how much of the whole in percent, where that is known."""

    text: str
    percent: float | None = None


Told = Callable[[FetchProgress], None]


class ImageStore:
    """Brings images to this node. One build at a time per image; what a cancel or a crash leaves behind is removed.

    Nothing is pruned while an image comes: it gets its name after it is stored, and the steps of its build have none.

    `work` is a directory on disk that nobody else uses, and `downloads` one that keeps what was fetched by its hash.
    """

    def __init__(
        self,
        client: PodmanClient,
        work: Path,
        downloads: Path,
        tools: BuildTools,
        verifier: ImageVerifier,
        built: BuiltImages,
        trusted_root: Path | None = None,
        cgroup: ControlGroup | None = None,
    ) -> None:
        self._client = client
        self._work = work
        self._tools = tools
        self._verifier = verifier
        self._built = built
        self._trusted_root = trusted_root
        fetcher = PackageFetcher(tools.python_index, PackageCache(downloads))
        self._python = PythonPackages(fetcher, WheelInstaller(tools.uv))
        self._log = structlog.get_logger("images")
        self._sandbox = BuildSandbox(client, work, cgroup or ControlGroup())
        self._builder = ContainerfileBuilder(client, self._sandbox)
        self._building: dict[str, asyncio.Lock] = {}
        self._reported: set[str] = set()
        self._pruning = asyncio.Lock()
        self._holders = 0
        self._released = Signal()

    def reference(self, package: AppPackage, container: str) -> str:
        """Return the reference that the image of a container has on this node."""
        return image_recipe.reference(package, container)

    async def clean(self) -> None:
        """End the builds that outlived a killed daemon, and remove what they left in the work directory."""
        await self._sandbox.clean()
        for pid in await asyncio.to_thread(self._left_running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
            await process_exit(pid)
        if await asyncio.to_thread(self._work.exists):
            await run_tool(_removal(self._work), environment())
        await asyncio.to_thread(self._work.mkdir, mode=0o700, parents=True, exist_ok=True)
        # The users of a build pass through on the way to its folder, which is open to them alone.
        await asyncio.to_thread(self._work.chmod, 0o711)
        await asyncio.to_thread(shutil.rmtree, self._work.parent / OLD_PACKAGE_CACHE, ignore_errors=True)

    async def ensure(self, package: AppPackage, container: str, told: Told) -> str:
        """Return the reference of a container's image, pulled or built if it is not here. Raises `NodeError`."""
        spec = package.manifest.containers[container]
        name = self.reference(package, container)
        async with self.held(), self._building.setdefault(name, asyncio.Lock()):
            with explained(package):
                if spec.build is None:
                    signer = signer_of(package, spec, self._trusted_root)
                    await self._verifier.verify(package.manifest.id, name, signer)
                found = await self.image_id(package, container)
                if found is not None:
                    told(FetchProgress("already here", 100.0))
                elif spec.build is None:
                    await self._pull(name, told)
                else:
                    await self._build(package, spec, name, told)
                    await self._sign(name)
                if spec.build is None:
                    # Also where it was here before: a crash may have come between the pull and the mark.
                    await self._client.images.tag(found or name, image_recipe.pulled_mark(name))
                refuse_hidden_data(package, container, (await self._inspect(name)).volumes)
        return name

    async def report_unused_volumes(self) -> None:
        """Log which volumes an earlier version let Podman create for images. Raises `PodmanError`.

        They may hold the only copy of an app's data, so they are left to their owner.
        """
        for name in await self._client.volumes.list_unused():
            if name not in self._reported:
                self._reported.add(name)
                hint = f"look at what is in it, then remove it with 'podman volume rm {name}' as the service user"
                self._log.warning("a volume that an app had before belongs to no container", volume=name, hint=hint)

    async def image_id(self, package: AppPackage, container: str) -> str | None:
        """Return the ID of a container's image, or None where it is not here. Raises `NodeError`.

        An image that has the name, but was not built here for it, counts as not here.
        """
        name = self.reference(package, container)
        with explained(package):
            found = await self._here(name)
        if found is None or package.manifest.containers[container].build is None:
            return found
        return found if await self._is_ours(name, found) else None

    async def _here(self, name: str) -> str | None:
        try:
            return (await self._inspect(name)).id
        except (NotFound, NameMismatch):
            return None

    async def _inspect(self, name: str) -> ImageDetails:
        try:
            return await self._client.images.inspect(name)
        except (NotFound, NameMismatch):
            if "@" not in name:
                raise
            # What was pulled under another name Podman 4.3 does not pull again; and a crash may come when its name is
            # taken away and the mark is not. The digest is what was asked for.
            return await self._client.images.inspect(image_recipe.pulled_mark(name))

    async def _is_ours(self, name: str, image: str) -> bool:
        if await asyncio.to_thread(self._built.is_signed, name, image):
            return True
        self._log.warning("an image bears a name that this node did not give it", name=name, image=image)
        return False

    async def _sign(self, name: str) -> None:
        image = (await self._client.images.inspect(name)).id
        await asyncio.to_thread(self._built.sign, name, image)

    async def databases(self, package: AppPackage, container: str) -> tuple[str, dict[str, bytes]]:
        """Return the ID of a container's image, and the package databases in it by path. Raises `NodeError`."""
        with explained(package):
            found = await self._inspect(self.reference(package, container))
        source = await asyncio.to_thread(_READER.read_text, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *("podman", "unshare", sys.executable, "-I", "-c", source, found.id),
            env=environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            umask=PODMAN_UMASK,
        )
        try:
            output, complaints = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())
            raise
        if process.returncode != 0:
            raise tool_failed(
                package, "podman image mount", process.returncode or 1, complaints.decode("utf-8", "replace")
            )

        def read() -> dict[str, bytes]:
            return {path: base64.b64decode(content) for path, content in json.loads(output).items()}

        return found.id, await asyncio.to_thread(read)

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep all images of this node meanwhile, also those that nobody needs yet."""
        self._holders += 1
        try:
            async with self._pruning:
                pass  # what is being removed is gone
            yield
        finally:
            self._holders -= 1
            self._released.notify()

    async def prune(self, needed: Callable[[], Awaitable[Set[str]]]) -> None:
        """Remove images that were built or pulled here and that nobody needs, while none are held; those in use stay.

        `needed` returns references. What makes an image needed must hold it until `needed` tells of it.
        Raises `NodeError` and `PodmanError`.
        """
        pruned = False
        while not pruned:
            await self._released.until(lambda: not self._holders)
            async with self._pruning:
                pruned = await self._prune(await needed())

    async def _prune(self, needed: Set[str]) -> bool:
        """Return whether that was done to its end: it stops where somebody begins to hold images."""
        images = await self._client.images.list()
        built = [image for image in images if _LABEL in image.labels]
        keep = needed | {image.labels.get(_BASE_LABEL, "") for image in built if not needed.isdisjoint(image.names)}
        superfluous = [name for image in images for name in image_recipe.marked_names(image.names, keep)]
        for image in built:
            ours = (name for name in image.names if name.startswith(f"{REPOSITORY}/") and not name.startswith(PULLED))
            superfluous += [name for name in ours if name not in keep]
        for name in superfluous:
            if self._holders:
                return False
            await self._remove(name)
        if self._holders:
            return False
        await self._client.images.prune(labels={_LABEL: None})
        return True

    def _left_running(self) -> list[int]:
        marks = [f"\0{name}={self._work}/".encode() for name in (BUILD_VARIABLE, "TMPDIR")]

        def is_left(process: Path) -> bool:
            environ = b"\0" + (process / "environ").read_bytes()
            return any(mark in environ for mark in marks)

        return find_processes(is_left)

    async def _remove(self, name: str) -> None:
        try:
            await self._client.images.remove(name)
            await asyncio.to_thread(self._built.forget, name)
        except PodmanConflict:
            return  # a container uses it
        except (PodmanError, NodeError) as error:  # the others can be removed all the same
            self._log.warning("an image that nobody needs cannot be removed", name=name, error=str(error))

    async def _pull(self, name: str, told: Told) -> None:
        so_far = PullProgress()
        async for progress in self._client.images.pull(name):
            if text := progress.text.strip():
                so_far = so_far.after(text)
                told(FetchProgress(text, so_far.percent))
        told(FetchProgress("pulled", 100.0))

    async def _build(self, package: AppPackage, spec: Container, name: str, told: Told) -> None:
        digest = image_recipe.recipe_digest(package, spec)
        match spec.build:
            case PackagesRecipe() as recipe:
                await self._from_packages(package, recipe, name, digest, told)
            case ContainerfileRecipe() as recipe:
                base = image_recipe.base_recipe(recipe)
                if base is None:
                    await self._from_containerfile(package, recipe, name, {_LABEL: digest}, told)
                else:
                    await self._upon_base(package, recipe, base, name, digest, told)

    async def _upon_base(
        self,
        package: AppPackage,
        recipe: ContainerfileRecipe,
        base: PackagesRecipe,
        name: str,
        digest: str,
        told: Told,
    ) -> None:
        async with self._base(package, base, _scaled(told, 0.0, 50.0)) as upon:
            labels = {_LABEL: digest, _BASE_LABEL: upon}
            await self._from_containerfile(package, recipe, name, labels, _scaled(told, 50.0, 100.0), base=upon)

    @contextlib.asynccontextmanager
    async def _base(self, package: AppPackage, base: PackagesRecipe, told: Told) -> AsyncIterator[str]:
        """Yield the reference of an image to build upon, which is made where it is not here."""
        upon = image_recipe.base_reference(base)
        # To the end: another app may be built upon it at the same time.
        async with self._building.setdefault(upon, asyncio.Lock()):
            found = await self._here(upon)
            if found is None or not await self._is_ours(upon, found):
                await self._from_packages(package, base, upon, image_recipe.base_digest(base), told)
                await self._sign(upon)
            yield upon

    @contextlib.asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """Yield a directory for one build, which is removed after it."""
        folder = self._work / f"build-{secrets.token_hex(8)}"
        making = asyncio.create_task(asyncio.to_thread(folder.mkdir, 0o700))

        async def remove() -> None:
            # A thread that was asked to make the directory does so, whoever no longer waits for it.
            await asyncio.wait([making])
            await run_tool(_removal(folder), environment())

        try:
            await asyncio.shield(making)
            yield folder
        finally:
            # Files of the user namespace's other ids may be in it; a cancelled build is cleaned up all the same.
            await asyncio.shield(asyncio.create_task(remove()))

    async def _from_packages(
        self, package: AppPackage, recipe: PackagesRecipe, name: str, digest: str, told: Told
    ) -> None:
        async with self._folder() as folder:
            overlay, shown = folder / "overlay", Path(build_agent.SHOWN)
            await asyncio.to_thread(_write, overlay, image_recipe.overlay_files(recipe, package.files))
            if recipe.python is not None:
                told(FetchProgress("fetches Python packages", 5.0))
                await self._install_python(package, recipe, folder / "python", overlay / PYTHON_PACKAGES, told)
            told(FetchProgress(f"fetches packages from Debian {recipe.suite}", 30.0))
            main = image_recipe.main_package(package.manifest.id, recipe)
            command = image_recipe.mmdebstrap_command(
                recipe, self._tools, shown / "overlay", shown / "tool" / "output.tar", shown=main
            )
            code, printed = await self._sandbox.run_tool(command, folder, _hidden())
            if code != 0:
                raise tool_failed(package, "mmdebstrap", code, printed)
            told(FetchProgress("stores the image", 80.0))
            changes = (f"LABEL {_LABEL}={digest}", "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            await self._client.images.import_tar(name, folder / "output.tar", changes=changes)
        told(FetchProgress(self._stored(package, main, printed), 100.0))

    async def _install_python(
        self, package: AppPackage, recipe: PackagesRecipe, folder: Path, into: Path, told: Told
    ) -> None:
        assert recipe.python is not None
        target = PythonTarget(recipe.suite, self._tools.architecture)
        how, backends = recipe.python_build, folder / "site"

        async def build(sources: Sequence[Fetched], target: PythonTarget, own: Path) -> list[Wheel]:
            assert how is not None
            await self._python.install(package.files[how.requirements], target, folder / "backends", backends, None)
            base = image_recipe.python_builder(recipe, how)
            async with self._base(package, base, _scaled(told, 5.0, 20.0)) as image, self._folder() as root:
                told(FetchProgress("builds Python packages", 20.0))
                return await ConfinedBuilder(self._sandbox, image, backends).build(sources, target, own, root)

        await self._python.install(package.files[recipe.python], target, folder, into, build if how else None)

    def _stored(self, package: AppPackage, main: str | None, printed: str) -> str:
        """Return what is said of a stored image; a suite moves on, so the version in it may not be the manifest's."""
        installed = image_recipe.installed_version(main, printed) if main else None
        said = package.manifest.version
        if installed is None or image_recipe.is_version(said, installed):
            return "stored"
        self._log.warning("another version than the manifest's", app=main, manifest=said, installed=installed)
        return f"stored; it holds {main} {installed}, where the manifest says {said}"

    async def _from_containerfile(
        self,
        package: AppPackage,
        recipe: ContainerfileRecipe,
        name: str,
        labels: Mapping[str, str],
        told: Told,
        *,
        base: str | None = None,
    ) -> None:
        text = package.files[recipe.containerfile].decode("utf-8", "replace")
        image = base or await self._pulled_base(package, text, told)
        given = BuildInput(text, package.files, (await self._inspect(image)).id, base is not None)
        async with self._folder() as folder:
            await self._builder.build(given, name, labels, folder, lambda *news: told(FetchProgress(*news)))

    async def _pulled_base(self, package: AppPackage, text: str, told: Told) -> str:
        """Return the image with which a Containerfile begins, by its digest; it is here."""
        image = base_image(text)
        if image is None:
            raise ContainerfileError(1, "the recipe has no 'base' for $BASE", "add it to the manifest")
        await self._verifier.verify(package.manifest.id, image, None)
        found = await self._here(image)
        if found is None:
            # Its percents are not those of the build, of which it is the beginning.
            await self._pull(image, lambda progress: told(FetchProgress(progress.text, 0.0)))
        await self._client.images.tag(found or image, image_recipe.pulled_mark(image))
        return image


def _hidden() -> tuple[Path, ...]:
    """Return what a program that downloads has no business with: the node's data, and its sockets."""
    found = (os.environ.get(name) for name in ("HOME", "XDG_RUNTIME_DIR"))
    return tuple(Path(path) for path in found if path)


def _removal(folder: Path) -> tuple[str, ...]:
    """Return the command that removes a directory, whoever in the namespace owns what is in it, and nothing mounted."""
    return ("podman", "unshare", "rm", "-rf", "--one-file-system", str(folder))


def _write(folder: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name, (content, mode) in files.items():
        path = folder / name
        for parent in reversed(path.relative_to(folder).parents):
            # Not by mkdir's own mode, from which the umask takes: users of containers come through.
            (folder / parent).mkdir(exist_ok=True)
            (folder / parent).chmod(0o755)
        path.write_bytes(content)
        path.chmod(mode)


def _scaled(told: Told, first: float, last: float) -> Told:
    """Return a way to tell the progress of a part: its 0 to 100 % are `first` to `last` % of the whole."""

    def tell(progress: FetchProgress) -> None:
        percent = first if progress.percent is None else first + (last - first) * progress.percent / 100
        told(FetchProgress(progress.text, percent))

    return tell


def find_uv() -> str:
    """Return the uv program: the one that the set-up installed, else the one on PATH."""
    installed = Path("/opt/archipelago/uv/bin/uv")
    return str(installed) if installed.exists() else shutil.which("uv") or "uv"
