"""Builds Go programs in a container of a build: without a network, and nothing of the modules is executed.

Go's compiler runs no code of what it compiles, without cgo; generators and tests are not run.
"""

import asyncio
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from archipelago.container.images.build.given_files import add_file, folder_member, last_lines, plain_member
from archipelago.container.images.build.sandbox import BuildCommand, BuildSandbox
from archipelago.container.images.build.watch import BuildLimits
from archipelago.container.images.refusal import PackagesRefused
from archipelago.container.manifest.model.images import GoBuild
from archipelago.support.texts.text import msg

_FOLDER = PurePosixPath("build")
_USER = 1000
_LARGEST = 1 << 30
"""Bytes of all programs of one recipe."""
_PIECE = 1 << 20
_LIMITS = BuildLimits(step_time=4 * 3600.0, total_time=4 * 3600.0)
"""A Raspberry Pi compiles a large program, such as a Lightning node, for more than an hour."""
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": f"/{_FOLDER}/home",
    "TMPDIR": f"/{_FOLDER}/tmp",  # noqa: S108 - of the container
    "GOPATH": f"/{_FOLDER}/home/go",
    "GOCACHE": f"/{_FOLDER}/home/cache",
    "GOENV": "off",
    "GOPROXY": f"file:///{_FOLDER}/proxy",
    # go.sum has the hash of each module, and go compares it.
    "GOSUMDB": "off",
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": "local",
    "GOTELEMETRY": "off",
    "CGO_ENABLED": "0",
    "GOMAXPROCS": "2",
}
"""`GOMAXPROCS` is how much is compiled at once, and so how much memory that takes."""


def build_command(build: GoBuild) -> tuple[str, ...]:
    """Return the command that builds the programs (https://pkg.go.dev/cmd/go)."""
    tags = (f"-tags={','.join(build.tags)}",) if build.tags else ()
    # Without paths, times and ids of this build: the same compiler makes the same programs again.
    flags = ("-trimpath", "-buildvcs=false", "-p=2", *tags, "-ldflags=-s -w -buildid=")
    return ("/usr/bin/go", "build", *flags, "-o", f"/{_FOLDER}/out/", *build.programs)


class GoProgramBuilder:
    """Builds in an image that has Go."""

    def __init__(self, sandbox: BuildSandbox, image: str) -> None:
        self._sandbox = sandbox
        self._image = image

    async def build(
        self, build: GoBuild, main: Mapping[str, bytes], proxy: Path, folder: Path, root_folder: Path, into: Path
    ) -> None:
        """Write the programs into a folder; `main` is the main module, `proxy` the folder with all that it needs.

        `folder` is for this alone and must not exist; `root_folder` is an empty one that users of a build reach.
        Raises `PackagesRefused`, `BuildStopped`, `PodmanError` and OSError.
        """
        given, taken = folder / "given.tar", folder / "taken.tar"
        await asyncio.to_thread(folder.mkdir, 0o700)
        await asyncio.to_thread(_pack, given, proxy, main)
        async with self._sandbox.root(root_folder, self._image, _LIMITS) as root:
            await root.put(given)
            await asyncio.to_thread(given.unlink)
            command = BuildCommand(build_command(build), _ENVIRONMENT, f"/{_FOLDER}/main", f"{_USER}:{_USER}")
            result = await root.run(command)
            if result.exit_code != 0:
                raise PackagesRefused(
                    msg("the Go programs cannot be built: {telling}", telling=last_lines(result.output)),
                    msg("see the message; 'go mod tidy' brings go.mod and go.sum of the app's folder up to date"),
                )
            await root.take(f"/{_FOLDER}/out", taken, largest=_LARGEST)
        await asyncio.to_thread(unpack_programs, taken, build.names, into)


def unpack_programs(tar: Path, names: Sequence[str], into: Path) -> None:
    """Write what a build made into a folder: exactly one file of each name. All of it is foreign.

    Blocks on files; raises `PackagesRefused` and OSError.
    """
    missing = set(names)
    try:
        with tarfile.open(tar, "r:") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                content = archive.extractfile(member) if member.isreg() and name in missing else None
                if content is None:
                    raise _unexpected(names)
                missing.remove(name)
                with (into / name).open("xb") as file:
                    shutil.copyfileobj(content, file, _PIECE)
                (into / name).chmod(0o755)
    except tarfile.TarError as error:
        raise PackagesRefused(
            msg("what a build made cannot be read: {error}", error=error), msg("pin other versions")
        ) from error
    if missing:
        raise _unexpected(names)


def _unexpected(names: Sequence[str]) -> PackagesRefused:
    return PackagesRefused(
        msg("the build made something else than {names}", names=", ".join(names)),
        msg("name the main packages of the programs in the recipe"),
    )


def _pack(tar: Path, proxy: Path, main: Mapping[str, bytes]) -> None:
    """Write what the build is given; it may change nothing of it but the three empty folders that are its user's."""
    with tarfile.open(tar, "x", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(folder_member(_FOLDER))
        for name in ("home", "tmp", "out"):
            archive.addfile(folder_member(_FOLDER / name, _USER))
        archive.add(proxy, str(_FOLDER / "proxy"), filter=plain_member)
        for name, content in main.items():
            add_file(archive, _FOLDER / "main" / name, content)
