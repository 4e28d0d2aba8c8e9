"""A strict part of pip's requirements file format: pinned versions with SHA-256 hashes, and nothing else. Pure.

pip's format (pip.pypa.io, "Requirements File Format") can name other files, other indexes, URLs, version-control
systems, local paths and environment variables. All of that is refused here, so a file says by itself exactly which
bytes may be installed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

MAX_REQUIREMENTS = 500
_MAX_MARKER = 200
"""Characters: the parser of markers is recursive."""
_MAX_PROBLEMS = 20
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[A-Za-z0-9._, -]*\])?", re.ASCII)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})", re.ASCII)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_LINE_END = re.compile(r"\r\n|\n|\r")
EXPECTED = "name==version, with --hash=sha256:… for each file that may be installed"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package: its version, and the files of it that may be installed."""

    name: NormalizedName
    version: Version
    hashes: frozenset[str]
    """SHA-256 of each file, hexadecimal."""
    marker: str | None = None
    """Condition on the platform (PEP 508), None where it is always needed."""
    line: int = 1

    def __str__(self) -> str:
        """Return it as `name==version`."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class RequirementProblem:
    """What is wrong at a line (counted from 1) of a requirements file."""

    line: int
    message: str
    expected: str = EXPECTED

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"line {self.line}: {self.message}; expected {self.expected}"


class RequirementsError(Exception):
    """A requirements file that cannot be used, with the first problems that were found."""

    def __init__(self, problems: tuple[RequirementProblem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class _Refused(Exception):
    pass


def parse_requirements(content: bytes) -> tuple[Requirement, ...]:
    """Return the requirements of a file, in its order. Raises `RequirementsError`."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RequirementsError((RequirementProblem(line, "the text is not UTF-8", "UTF-8"),)) from None
    found: list[Requirement] = []
    problems: list[RequirementProblem] = []
    for number, logical in _logical_lines(text):
        try:
            found.append(_requirement(logical, number))
        except _Refused as refused:
            problems.append(RequirementProblem(number, str(refused)))
        if len(found) > MAX_REQUIREMENTS:
            limit = f"at most {MAX_REQUIREMENTS}"
            raise RequirementsError((RequirementProblem(number, "there are too many packages", limit),))
        if len(problems) >= _MAX_PROBLEMS:
            break
    if problems:
        raise RequirementsError(tuple(problems))
    return tuple(found)


def applicable(requirements: tuple[Requirement, ...], environment: Mapping[str, str]) -> tuple[Requirement, ...]:
    """Return the requirements whose markers hold in an environment (PEP 508). Raises `RequirementsError`."""
    chosen: dict[NormalizedName, Requirement] = {}
    for requirement in requirements:
        try:
            needed = requirement.marker is None or Marker(requirement.marker).evaluate(dict(environment))
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            message = f"the marker {requirement.marker} cannot be evaluated: {error}"
            raise RequirementsError((RequirementProblem(requirement.line, message, "another marker"),)) from None
        if not needed:
            continue
        if requirement.name in chosen:
            message = f"{requirement.name} is there twice, first in line {chosen[requirement.name].line}"
            raise RequirementsError((RequirementProblem(requirement.line, message, "each package once"),))
        chosen[requirement.name] = requirement
    return tuple(chosen.values())


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines without comments, joined where one ends with a backslash, with the number of their first."""
    begun, parts = 0, list[str]()
    number = 0
    for number, physical in enumerate(_LINE_END.split(text), start=1):
        line = _COMMENT.sub("", physical).rstrip(" \t")
        begun = begun if parts else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            if joined := " ".join(parts).strip(" \t"):
                yield begun, joined
            parts = []
    if parts:
        yield begun, f"{' '.join(parts).strip()} \\"


def _requirement(line: str, number: int) -> Requirement:
    head, dashes, tail = line.partition("--hash")
    if line.endswith("\\"):
        raise _Refused("the file ends within a continued line")
    specification, semicolon, marker = (part.strip() for part in head.partition(";"))
    _refuse_other_kinds(specification)
    name, equals, version = (part.strip() for part in specification.partition("=="))
    found = _NAME.fullmatch(name)
    if not equals or found is None:
        raise _Refused(f"{_shown(specification)} is not a package with one pinned version")
    try:
        pinned = Version(version) if version.isascii() else None
    except InvalidVersion:
        pinned = None
    if pinned is None:
        raise _Refused(f"{_shown(version)} is not one exact version (PEP 440)")
    if not dashes:
        raise _Refused(f"{found[1]} has no hash")
    return Requirement(
        canonicalize_name(found[1]), pinned, _hashes(dashes + tail), _marker(marker) if semicolon else None, number
    )


def _refuse_other_kinds(specification: str) -> None:
    if specification.startswith("-"):
        raise _Refused(f"options such as {_shown(specification.split()[0])} are not accepted")
    if "://" in specification or "@" in specification or specification.startswith((".", "/")):
        raise _Refused("URLs, repositories and local paths are not accepted")
    if "${" in specification:
        raise _Refused("environment variables are not accepted")


def _hashes(tail: str) -> frozenset[str]:
    words = tail.split()
    found = [_HASH.fullmatch(word) for word in words]
    for word, match in zip(words, found, strict=True):
        if match is None:
            raise _Refused(f"{_shown(word)} is not a SHA-256 hash")
    return frozenset(match[1] for match in found if match)


def _marker(text: str) -> str:
    if len(text) > _MAX_MARKER or not text.isprintable():
        raise _Refused("the marker is too long")
    try:
        marker = Marker(text)
    except (InvalidMarker, RecursionError):
        raise _Refused(f"{_shown(text)} is not a marker (PEP 508)") from None
    if "extra" in re.split(r"\W+", str(marker)):
        raise _Refused("a marker cannot ask for an extra")
    return str(marker)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
