"""What making an image executes, and what it is made of, as a plan shows the owner. Pure."""

from enum import StrEnum

from archipelago.container.manifest.model.images import ContainerfileRecipe, PackagesBase, PackagesRecipe
from archipelago.support.view import View


class BuildCode(StrEnum):
    """Foreign code that runs while an image is built: in a throw-away container, without a network."""

    COMMANDS = "commands"
    """`RUN` of a Containerfile, written by the app's author."""
    PYTHON = "python"
    """What builds Python packages that come as source code."""


class SourceKind(StrEnum):
    """Where a part of an image comes from."""

    DEBIAN = "debian"
    """Packages that Debian signed."""
    PYPI = "pypi"
    """Python packages of an index."""
    GO = "go"
    """Go modules of a module proxy, as source code."""
    NPM = "npm"
    """Packages of npm's registry."""
    REGISTRY = "registry"
    """Another image."""
    FOLDER = "folder"
    """Files of the app's folder."""


class BuildSource(View):
    """Where a part of an image comes from."""

    kind: SourceKind
    pinned: bool
    """Whether it is the same at every build, by a hash or an exact version; else it is the newest one."""


class BuildFacts(View):
    """What building an image executes, and what it is made of."""

    executes: tuple[BuildCode, ...] = ()
    """Empty where nothing foreign is executed."""
    sources: tuple[BuildSource, ...] = ()


# Whatever version a recipe names, what its packages need in turn is the newest of the suite.
_DEBIAN = BuildSource(kind=SourceKind.DEBIAN, pinned=False)


def build_facts(recipe: PackagesRecipe | ContainerfileRecipe) -> BuildFacts:
    """Return what a recipe comes to. A Containerfile counts as one that executes, since that is what it is for."""
    match recipe:
        case PackagesRecipe(python=python, python_build=python_build, go=go, npm=npm, files=files):
            found = [_DEBIAN]
            found += [BuildSource(kind=SourceKind.PYPI, pinned=True)] if python is not None else []
            found += [BuildSource(kind=SourceKind.GO, pinned=True)] if go is not None else []
            found += [BuildSource(kind=SourceKind.NPM, pinned=True)] if npm is not None else []
            found += [BuildSource(kind=SourceKind.FOLDER, pinned=True)] if files else []
            executes = (BuildCode.PYTHON,) if python_build is not None else ()
            return BuildFacts(executes=executes, sources=tuple(found))
        case ContainerfileRecipe(base=PackagesBase()):
            folder = BuildSource(kind=SourceKind.FOLDER, pinned=True)
            return BuildFacts(executes=(BuildCode.COMMANDS,), sources=(_DEBIAN, folder))
        case _:
            kinds = (SourceKind.REGISTRY, SourceKind.FOLDER)
            sources = tuple(BuildSource(kind=kind, pinned=True) for kind in kinds)
            return BuildFacts(executes=(BuildCode.COMMANDS,), sources=sources)
