"""Parts of the manifest about images: the reference of one that is pulled, and recipes for one that is built."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import ContainerPath, PackagePath


class RecipeFile(Part):
    """A file of the app's folder that goes into the image."""

    source: PackagePath
    """Path inside the app's folder."""
    path: ContainerPath
    """Path inside the image."""
    executable: bool = False
    """Whether the file may be run (mode 0755 instead of 0644)."""


Suite = Literal["bookworm", "trixie", "sid"]


DebianPackage = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.=:~-]*$", max_length=80)]


DebianPackages = Annotated[tuple[DebianPackage, ...], Field(min_length=1, max_length=100)]


class PythonBuild(Part):
    """How Python packages without a wheel are built: in a throw-away container, without a network."""

    requirements: PackagePath
    """A requirements file with what builds them (such as setuptools): wheels, with pinned versions and hashes."""
    packages: Annotated[tuple[DebianPackage, ...], Field(max_length=100)] = ()
    """Debian packages that are there beside `python3` while they are built, such as `gcc` and `python3-dev`."""


GoImportPath = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-zA-Z0-9._~-]*(/[a-zA-Z0-9_~][a-zA-Z0-9._~-]*)+$", max_length=200),
]
"""Import path of a Go package, such as `github.com/lightningnetwork/lnd/cmd/lnd`."""


GoTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.]{1,60}$")]


class GoBuild(Part):
    """Programs that are built from Go modules, each with its hash: in a throw-away container, without a network.

    Nothing of the modules is executed: they are compiled without cgo.
    """

    module: PackagePath = "go.mod"
    """Path of the main module's go.mod inside the app's folder. Its go.sum, with all hashes, is beside it."""
    programs: Annotated[tuple[GoImportPath, ...], Field(min_length=1, max_length=20)]
    """Import paths of main packages; each becomes `/usr/local/bin/` and the last part of its path."""
    tags: Annotated[tuple[GoTag, ...], Field(max_length=40)] = ()
    """Build tags."""
    suite: Suite = "sid"
    """Debian suite whose Go compiles them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the programs."""
        return tuple(path.rpartition("/")[2] for path in self.programs)

    @property
    def sums(self) -> str:
        """Path of its go.sum inside the app's folder."""
        return f"{self.module.removesuffix('go.mod')}go.sum"

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.module.rpartition("/")[2] != "go.mod":
            raise ValueError("'module' is the path of a go.mod")
        if len(set(self.names)) < len(self.names):
            raise ValueError("two of the programs have the same name")
        return self


NpmName = Annotated[
    str, StringConstraints(pattern=r"^(@[a-zA-Z0-9~-][a-zA-Z0-9._~-]*/)?[a-zA-Z0-9~-][a-zA-Z0-9._~-]*$", max_length=200)
]


class NpmInstall(Part):
    """Packages of npm's registry, each with its hash, in `/usr/local/lib/node_modules`.

    They are unpacked, and nothing of them is executed: no script is run. What only developers need is left out.
    """

    package: PackagePath = "package.json"
    """Path of a package.json inside the app's folder. Its package-lock.json, with all hashes, is beside it:
    `npm install --package-lock-only` makes it."""
    optional: bool = False
    """Whether optional packages are installed as well, where they fit the machine."""
    without_addon: Annotated[tuple[NpmName, ...], Field(max_length=20)] = ()
    """Packages whose addon would have to be compiled: they are installed without it, as the app does not use it."""

    @property
    def lock(self) -> str:
        """Path of its package-lock.json inside the app's folder."""
        return f"{self.package.removesuffix('package.json')}package-lock.json"

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.package.rpartition("/")[2] != "package.json":
            raise ValueError("'package' is the path of a package.json")
        return self


class PackagesRecipe(Part):
    """An image made from a distribution's signed packages, without any container registry.

    The packages are unpacked and their set-up scripts are not run. Programs find libraries all the same, and
    certificate authorities where `ca-certificates` is among the packages.
    """

    type: Literal["packages"]
    """Always `packages` for this kind of recipe."""
    suite: Suite = "bookworm"
    """Debian suite from which the packages come, with its security and other updates."""
    packages: DebianPackages
    """Debian packages, each optionally `name=version`; a warning says if that of the app's id has another `version`."""
    python: PackagePath | None = None
    """A requirements file with pinned versions and hashes, installed into the image's Python (package `python3`)."""
    python_build: PythonBuild | None = None
    """What builds source distributions among them; without it, each must have a wheel, and nothing is executed."""
    go: GoBuild | None = None
    """Programs that are built from Go modules."""
    npm: NpmInstall | None = None
    """Packages of npm's registry, for the image's Node.js (package `nodejs`: 20 in `trixie`, 24 in `sid`)."""
    files: tuple[RecipeFile, ...] = ()
    """Files of the app's folder that are copied into the image."""

    @property
    def pinning_files(self) -> tuple[str, ...]:
        """Paths of the files inside the app's folder that pin what is downloaded."""
        go = () if self.go is None else (self.go.module, self.go.sums)
        npm = () if self.npm is None else (self.npm.package, self.npm.lock)
        return (*self.requirements_files, *go, *npm)

    @property
    def requirements_files(self) -> tuple[str, ...]:
        """Paths of its requirements files inside the app's folder."""
        build = () if self.python_build is None else (self.python_build.requirements,)
        return build if self.python is None else (self.python, *build)

    @model_validator(mode="after")
    def _builds_something(self) -> Self:
        if self.python_build is not None and self.python is None:
            raise ValueError("'python_build' is given, and 'python' is not: there is nothing to build")
        return self


class PackagesBase(Part):
    """An image to build upon, made from a distribution's signed packages, without any container registry.

    The packages are unpacked and their set-up scripts are not run. `RUN` with a line of shell needs a shell among them.
    """

    suite: Suite = "bookworm"
    """Debian suite from which the packages come, with its security and other updates."""
    packages: DebianPackages
    """Debian packages, each optionally `name=version`; without any that only the build needs, as all of them stay."""


class ContainerfileRecipe(Part):
    """An image built from a Containerfile in the app's folder."""

    type: Literal["containerfile"]
    """Always `containerfile` for this kind of recipe."""
    containerfile: PackagePath = "Containerfile"
    """Path of the Containerfile inside the app's folder; the folder is the build context."""
    base: PackagesBase | None = None
    """Image that is made first and given to the build as argument `BASE`: start with `ARG BASE` and `FROM $BASE`."""


Recipe = Annotated[PackagesRecipe | ContainerfileRecipe, Field(discriminator="type")]


ImageReference = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9][a-z0-9.:/_-]*(:[A-Za-z0-9_.-]+)?@sha256:[0-9a-f]{64}$",
        max_length=400,
    ),
]
"""An OCI image reference with its digest, such as `docker.io/library/redis:7@sha256:…`."""
