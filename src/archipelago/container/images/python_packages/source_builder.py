"""Builds source distributions, which executes what is in them: in a container of a build, by pinned backends."""

import asyncio
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from archipelago.container.images.build.given_files import add_file, folder_member, last_lines, plain_member
from archipelago.container.images.build.sandbox import BuildCommand, BuildSandbox
from archipelago.container.images.python_packages import build_wheels
from archipelago.container.images.python_packages.choice import is_wheel_name, wheel_place
from archipelago.container.images.python_packages.fetcher import Fetched
from archipelago.container.images.python_packages.installer import Wheel
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.images.refusal import PackagesRefused
from archipelago.support.texts.text import msg

_SCRIPT = Path(build_wheels.__file__)
_FOLDER = PurePosixPath("build")
_USER = 1000
_LARGEST = 512 * 1024**2
"""Bytes of all wheels of one app."""
_ENVIRONMENT = {
    "PATH": f"/{_FOLDER}/backends/bin:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": f"/{_FOLDER}/home",
    "TMPDIR": f"/{_FOLDER}/tmp",  # noqa: S108 - of the container
    # For the processes that backends start; the script itself looks there first.
    "PYTHONPATH": f"/{_FOLDER}/backends",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "SOURCE_DATE_EPOCH": "1700000000",
}


class ConfinedBuilder:
    """Builds in an image, with backends that are installed in a folder."""

    def __init__(self, sandbox: BuildSandbox, image: str, backends: Path) -> None:
        self._sandbox = sandbox
        self._image = image
        self._backends = backends

    async def build(
        self, sources: Sequence[Fetched], target: PythonTarget, folder: Path, root_folder: Path
    ) -> list[Wheel]:
        """Return a wheel for each source distribution.

        `folder` is for this alone and must not exist; `root_folder` is an empty one that users of a build reach.

        Raises `PackagesRefused`, `BuildStopped`, `PodmanError` and OSError.
        """
        given, taken = folder / "given.tar", folder / "taken.tar"
        await asyncio.to_thread(folder.mkdir, 0o700)
        await asyncio.to_thread(_pack, given, self._backends, sources)
        async with self._sandbox.root(root_folder, self._image) as root:
            await root.put(given)
            command = ("/usr/bin/python3", "-P", f"/{_FOLDER}/build_wheels.py", f"/{_FOLDER}")
            result = await root.run(BuildCommand(command, _ENVIRONMENT, f"/{_FOLDER}", f"{_USER}:{_USER}"))
            if result.exit_code != 0:
                raise PackagesRefused(
                    msg(
                        "a source distribution cannot be built: {telling}",
                        telling=last_lines(result.output) or "it says nothing",
                    ),
                    msg("name what it needs in 'python_build', or pin versions that have wheels"),
                )
            await root.take(f"/{_FOLDER}/out", taken, largest=_LARGEST)
        return await asyncio.to_thread(read_wheels, taken, sources, target, folder)


def _pack(tar: Path, backends: Path, sources: Sequence[Fetched]) -> None:
    """Write what the build is given; it may change nothing of it but the four empty folders that are its user's."""
    with tarfile.open(tar, "x", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(folder_member(_FOLDER))
        for name in ("home", "tmp", "out", "work"):
            archive.addfile(folder_member(_FOLDER / name, _USER))
        for number, source in enumerate(sources):
            archive.add(source.path, f"{_FOLDER}/sources/{number}/{source.name}", filter=plain_member)
        if backends.exists():  # a source distribution may bring all that it needs
            archive.add(backends, f"{_FOLDER}/backends", filter=plain_member)
        else:
            archive.addfile(folder_member(_FOLDER / "backends"))
        add_file(archive, _FOLDER / "build_wheels.py", _SCRIPT.read_bytes())


def read_wheels(tar: Path, sources: Sequence[Fetched], target: PythonTarget, folder: Path) -> list[Wheel]:
    """Read what a build made: exactly one wheel for each source, of its name and version. All of it is foreign.

    Blocks on files; raises `PackagesRefused` and OSError.
    """
    found: dict[int, Wheel] = {}
    try:
        with tarfile.open(tar, "r:") as archive:
            for number, member in _members(archive, len(sources)):
                requirement = sources[number].chosen.requirement
                name = PurePosixPath(member.name).name
                if number in found or wheel_place(name, requirement.name, requirement.version, target) is None:
                    raise PackagesRefused(
                        msg(
                            "{requirement}: its build made {name}, which is not its one wheel for this image",
                            requirement=requirement,
                            name=f"{name[:200]!r}",
                        ),
                        msg("pin another version of it"),
                    )
                path = folder / f"{number}.whl"
                content = archive.extractfile(member)
                assert content is not None
                with path.open("xb") as file:
                    while piece := content.read(1024**2):
                        file.write(piece)
                found[number] = Wheel(requirement.name, requirement.version, name, path)
    except tarfile.TarError as error:
        raise PackagesRefused(
            msg("what a build made cannot be read: {error}", error=error), msg("pin other versions")
        ) from error
    if missing := [str(source.chosen.requirement) for each, source in enumerate(sources) if each not in found]:
        raise PackagesRefused(
            msg("the build of {missing} made no wheel", missing=", ".join(missing)), msg("pin another version of it")
        )
    return [found[number] for number in range(len(sources))]


def _members(archive: tarfile.TarFile, count: int) -> Iterator[tuple[int, tarfile.TarInfo]]:
    numbers = {str(number) for number in range(count)}
    for member in archive:
        number, _, name = member.name.removeprefix("./").partition("/")
        if not member.isreg() or not is_wheel_name(name):
            raise PackagesRefused(
                msg("a build made {member}, which is no wheel", member=f"{member.name[:200]!r}"),
                msg("pin another version of it"),
            )
        if number not in numbers:
            raise PackagesRefused(
                msg("a build made {member}, which nobody asked for", member=f"{member.name[:200]!r}"),
                msg("pin another version"),
            )
        yield int(number), member
