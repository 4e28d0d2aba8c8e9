"""Builds an image from a Containerfile: its steps, one after another, in a root file system of the build's own."""

import asyncio
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archipelago.container.images.build.agent import INTO
from archipelago.container.images.build.sandbox import BuildCommand, BuildRoot, BuildSandbox
from archipelago.container.images.build.watch import BuildStopped
from archipelago.container.images.progress import FetchProgress, OnProgress
from archipelago.container.images.recipe import image_changes
from archipelago.container.manifest.containerfile.reader import is_label_name, parse_containerfile
from archipelago.container.manifest.containerfile.steps import BuildStep, CopyStep, ImageConfig, RunStep
from archipelago.container.podman_client.client import PodmanClient
from archipelago.container.podman_client.models import ImageDetails
from archipelago.support.texts.text import msg

_SHOWN_OUTPUT = 600
_BEGUN, _DONE = 5.0, 90.0
"""Percent at which the image to start from is unpacked, and at which all steps are done."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Of a container whose image says none, as Podman has it."""


@dataclass(frozen=True, slots=True)
class BuildInput:
    """A Containerfile and what it needs: the files of the app's folder, and the ID of the image to start from."""

    text: str
    files: Mapping[str, bytes]
    image: str
    has_base: bool


class ContainerfileBuilder:
    """Builds one image at a time or several; their commands take turns."""

    def __init__(self, client: PodmanClient, sandbox: BuildSandbox) -> None:
        self._client = client
        self._sandbox = sandbox

    async def build(
        self, given: BuildInput, name: str, labels: Mapping[str, str], folder: Path, report: OnProgress
    ) -> None:
        """Build an image in an empty folder, and give it a name and labels; the same input gives the same layer.

        Raises `ContainerfileError`, `BuildStopped`, `PodmanError` and `OSError`.
        """
        inherited = config_of(await self._client.images.inspect(given.image))
        found = parse_containerfile(given.text, given.files, has_base=given.has_base, inherited=inherited)
        report(FetchProgress("unpacks the base image", 0.0))
        tar = folder / "image.tar"
        async with self._sandbox.root(folder, given.image) as root:
            for number, step in enumerate(found.steps):
                share = number / len(found.steps)
                text = f"step {number + 1} of {len(found.steps)}: {step.text}"
                report(FetchProgress(text[:200], round(_BEGUN + (_DONE - _BEGUN) * share, 1)))
                await self._step(root, step, given.files, folder / "copied.tar")
            report(FetchProgress("stores the image", _DONE))
            await root.pack(tar)
        await self._client.images.import_tar(name, tar, changes=image_changes(found.config, labels))
        report(FetchProgress("built", 100.0))

    async def _step(self, root: BuildRoot, step: BuildStep, files: Mapping[str, bytes], tar: Path) -> None:
        try:
            match step:
                case CopyStep():
                    await asyncio.to_thread(write_copied, tar, step, files)
                    await root.put(tar)
                case RunStep():
                    await _run(root, step)
        except BuildStopped as error:
            raise BuildStopped(
                msg("Containerfile, line {line}: {text}: {error}", line=step.line, text=step.text[:200], error=error),
                error.hint,
            ) from error


async def _run(root: BuildRoot, step: RunStep) -> None:
    result = await root.run(BuildCommand(step.command, step.environment, step.workdir, step.user))
    if result.exit_code != 0:
        said = " ".join(result.output[-_SHOWN_OUTPUT:].split())
        raise BuildStopped(
            msg("exit code {exit_code}{said}", exit_code=result.exit_code, said=f": {said}" if said else ""),
            msg("a command of a build has the files of its image and of COPY, and no network"),
        )


def config_of(image: ImageDetails) -> ImageConfig:
    """Return what an image says of how it is run, without the labels that are, or would become, its node's own."""
    return ImageConfig(
        environment={"PATH": _PATH, **dict(_pairs(image.env))},
        workdir=image.workdir or "/",
        user=image.user,
        labels={key: value for key, value in image.labels.items() if _may_inherit(key)},
        entrypoint=image.entrypoint,
        command=image.command,
        exposed=image.exposed,
    )


def _may_inherit(label: str) -> bool:
    return is_label_name(label) and not label.startswith("io.archipelago.")


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition("=")
        yield name, value


def write_copied(tar: Path, step: CopyStep, files: Mapping[str, bytes]) -> None:
    """Write what a step copies into a tar file for `BuildRoot.put`; blocks."""
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in step.directories:
            member = tarfile.TarInfo(path.lstrip("/") or ".")
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            member.uid, member.gid = step.uid, step.gid
            archive.addfile(member)
        for file in step.files:
            content = files[file.source]
            member = tarfile.TarInfo(file.path.lstrip("/"))
            member.size, member.mode, member.uid, member.gid = len(content), step.mode, step.uid, step.gid
            member.pax_headers = {INTO: file.name}
            archive.addfile(member, io.BytesIO(content))
