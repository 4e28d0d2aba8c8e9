"""What a go.sum pins: modules and their go.mod files, each by a hash (https://go.dev/ref/mod#go-sum-files). Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from archipelago.support.texts.text import msg

_LINE = re.compile(r"(?P<module>\S{1,255}) (?P<version>v\S{1,127}?)(?P<mod>/go\.mod)? h1:(?P<hash>[A-Za-z0-9+/]{43}=)")
_MODULE = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)
_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(?:[-+.][0-9A-Za-z.+-]*)?", re.ASCII)
_CAPITAL = re.compile(r"[A-Z]")
MOST_FILES = 5000


class GoSumError(ValueError):
    """A go.sum that cannot be used; the text says where."""


class GoFileKind(StrEnum):
    """Which file of a module."""

    ZIP = "zip"
    """Its source code."""
    MOD = "mod"
    """Its go.mod."""


@dataclass(frozen=True, slots=True)
class GoFile:
    """A file of a module proxy, and the hash that it must have."""

    module: str
    version: str
    kind: GoFileKind
    digest: str
    """SHA-256 over the list of its files and their hashes (`h1`), in hexadecimal."""

    @property
    def path(self) -> str:
        """Where it is in a module proxy (https://go.dev/ref/mod#goproxy-protocol): no part of it is `.` or `..`."""
        return f"{escaped(self.module)}/@v/{escaped(self.version)}.{self.kind.value}"

    @property
    def url_path(self) -> str:
        """Its path, as a URL has it."""
        return quote(self.path, safe="/@!+~")

    def __str__(self) -> str:
        return f"{self.module}@{self.version}"


def escaped(name: str) -> str:
    """Return a module's path or version as proxies write it: an exclamation mark and a small letter for a capital."""
    return _CAPITAL.sub(lambda found: f"!{found[0].lower()}", name)


def parse_go_sum(content: bytes) -> tuple[GoFile, ...]:
    """Return what a go.sum pins, each file once. Raises `GoSumError`."""
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise GoSumError(msg("it is not plain ASCII")) from error
    found: dict[tuple[str, str, GoFileKind], GoFile] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        file = _parse_line(line, number)
        if found.setdefault((file.module, file.version, file.kind), file) != file:
            raise GoSumError(msg("line {number}: another hash for {file} than before", number=number, file=file))
    if len(found) > MOST_FILES:
        raise GoSumError(msg("it pins more than {most} files", most=MOST_FILES))
    return tuple(found.values())


def _parse_line(line: str, number: int) -> GoFile:
    matched = _LINE.fullmatch(line)
    if matched is None or not _MODULE.fullmatch(matched["module"]) or not _VERSION.fullmatch(matched["version"]):
        raise GoSumError(msg("line {number} is not 'MODULE VERSION h1:HASH'", number=number))
    try:
        digest = base64.b64decode(matched["hash"], validate=True)
    except binascii.Error as error:
        raise GoSumError(msg("line {number} has a hash that is none", number=number)) from error
    kind = GoFileKind.MOD if matched["mod"] else GoFileKind.ZIP
    return GoFile(matched["module"], matched["version"], kind, digest.hex())
