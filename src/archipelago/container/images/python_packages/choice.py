"""Which of the files that an index has is the one to install. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.manifest.requirements import Requirement

_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,199}", re.ASCII)


class NotAnIndex(ValueError):
    """What an index sent is not a page of the simple API (PEP 691)."""


class FileKind(StrEnum):
    """What a file is."""

    WHEEL = "wheel"
    """Built: it is unpacked, and nothing of it is executed."""
    SDIST = "sdist"
    """A source distribution: building it executes what is in it."""


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file that an index lists for a project."""

    filename: str
    url: str
    """As the index gave it: it may be relative."""
    sha256: str
    requires_python: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The file to install for a requirement."""

    requirement: Requirement
    file: IndexFile
    kind: FileKind


def read_index_page(content: bytes, hashes: Set[str]) -> tuple[IndexFile, ...]:
    """Return the files with these hashes on a project's page of the simple API in JSON (PEP 691). Raises `NotAnIndex`.

    Files with a name that cannot be a file's are left out. A page may list thousands of others.
    """
    try:
        page = json.loads(content)
        listed = page["files"]
        if not isinstance(listed, list):
            raise TypeError("no list of files")
        named = (each for each in listed if each["hashes"].get("sha256") in hashes)
        return tuple(file for each in named if (file := _index_file(each)) is not None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAnIndex("what it sends is no page of the simple API (PEP 691)") from error


def _index_file(value: dict[str, Any]) -> IndexFile | None:
    name, url, digest = value["filename"], value["url"], value["hashes"]["sha256"]
    if not isinstance(name, str) or not isinstance(url, str) or not _FILENAME.fullmatch(name):
        return None
    requires = value.get("requires-python")
    return IndexFile(name, url, digest, requires if isinstance(requires, str) else None)


def choose(requirement: Requirement, files: Iterable[IndexFile], target: PythonTarget) -> Chosen | None:
    """Return the best file that a requirement names by its hash: a wheel for the target, else a source distribution."""
    candidates = [file for file in files if file.sha256 in requirement.hashes and _runs_on(file, target)]
    wheels = [(place, file) for file in candidates if (place := _wheel_place(requirement, file, target)) is not None]
    if wheels:
        best = min(wheels, key=lambda each: each[0])[1]
        return Chosen(requirement, best, FileKind.WHEEL)
    sources = sorted(_sources(requirement, candidates), key=lambda file: file.filename)
    return Chosen(requirement, sources[0], FileKind.SDIST) if sources else None


def is_wheel_name(name: str) -> bool:
    """Return whether a name may be that of a wheel, in whatever folder."""
    return name.endswith(".whl") and _FILENAME.fullmatch(name) is not None


def wheel_place(filename: str, name: str, version: Version, target: PythonTarget) -> tuple[int, int] | None:
    """Return how good a wheel is for a target, less being better; None where it is no wheel of this package for it."""
    try:
        found, found_version, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    if found != canonicalize_name(name) or found_version != version:
        return None
    places = [target.preference[tag] for tag in tags if tag in target.preference]
    return (min(places), -(build[0] if build else 0)) if places else None


def _wheel_place(requirement: Requirement, file: IndexFile, target: PythonTarget) -> tuple[int, int] | None:
    return wheel_place(file.filename, requirement.name, requirement.version, target)


def _sources(requirement: Requirement, files: Iterable[IndexFile]) -> Iterator[IndexFile]:
    for file in files:
        try:
            if parse_sdist_filename(file.filename) == (requirement.name, requirement.version):
                yield file
        except (InvalidSdistFilename, InvalidVersion):
            continue


def _runs_on(file: IndexFile, target: PythonTarget) -> bool:
    try:
        return not file.requires_python or target.full_version in SpecifierSet(file.requires_python)
    except InvalidSpecifier:
        return True
