"""A strict part of npm's package-lock.json (lockfileVersion 3): what is installed, where, and by which hash. Pure.

npm's format (docs.npmjs.com, "package-lock.json") can name Git repositories, folders, other addresses and other
registries, and packages without a hash. All of that is refused here, so a lock file says by itself exactly which bytes
may be installed.
"""

import base64
import binascii
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from archipelago.container.manifest.model.app import Architecture

MOST_PACKAGES = 3000
REGISTRY = "https://registry.npmjs.org/"
"""What npm writes into a lock file for the registry, from wherever it fetches (`replace-registry-host`)."""
_LONGEST_PATH = 500
_PART = r"(?!node_modules(?:/|\Z)|favicon\.ico(?:/|\Z))[A-Za-z0-9~-][A-Za-z0-9._~-]*"
_NAME = re.compile(rf"(?:@{_PART}/)?{_PART}", re.ASCII)
_PATH = re.compile(rf"(?:node_modules/(?:@{_PART}/)?{_PART}/)*node_modules/(?:@{_PART}/)?{_PART}", re.ASCII)
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?", re.ASCII)
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", re.ASCII)
_HASH_BYTES = 64
_CPU = {Architecture.AMD64: "x64", Architecture.ARM64: "arm64"}


class PackageLockError(ValueError):
    """A lock file that cannot be used; the text says where."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What Node.js says of the machine that it runs on."""

    cpu: str
    """`process.arch`."""
    os: str = "linux"
    libc: str = "glibc"

    def __str__(self) -> str:
        """Return it as `linux-x64`."""
        return f"{self.os}-{self.cpu}"


def platform_of(architecture: Architecture) -> Platform:
    """Return the platform that images of an architecture have."""
    return Platform(_CPU[architecture])


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package at a place below a folder."""

    path: str
    """Such as `node_modules/a/node_modules/@b/c`: no part of it is `.` or `..`."""
    name: str
    """In the registry; the last part of the path may be another name for it."""
    version: str
    sha512: str
    """Of its tarball, in hexadecimal."""
    optional: bool = False
    programs: tuple[tuple[str, str], ...] = ()
    """Name and path inside the package of each program that it has."""
    os: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    libc: tuple[str, ...] = ()
    """Where it runs: everywhere if there is nothing; `!` stands before what does not fit."""

    @property
    def url_path(self) -> str:
        """Where its tarball is in a registry."""
        return f"{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def folder(self) -> str:
        """The `node_modules` in which it is."""
        return f"{self.path.rpartition('node_modules/')[0]}node_modules"

    def fits(self, platform: Platform) -> bool:
        """Return whether it is made for a platform."""
        pairs = ((self.os, platform.os), (self.cpu, platform.cpu), (self.libc, platform.libc))
        return all(_fits(listed, ours) for listed, ours in pairs)

    def __str__(self) -> str:
        """Return it as `name@version`."""
        return f"{self.name}@{self.version}"


class _LockEntry(BaseModel):
    """What is read of an entry; the rest is for npm alone."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    name: str | None = None
    version: str | None = None
    resolved: str | None = None
    integrity: str | None = None
    link: bool = False
    dev: bool = False
    optional: bool = False
    devOptional: bool = False
    inBundle: bool = False
    bin: dict[str, str] | str | None = None
    os: list[str] | str | None = None
    cpu: list[str] | str | None = None
    libc: list[str] | str | None = None


def parse_package_lock(lock: bytes, package: bytes) -> tuple[LockedPackage, ...]:
    """Return what a package-lock.json installs for the package.json beside it, without what only developers need.

    Each comes after the one in whose folder it is. Raises `PackageLockError`.
    """
    found = _object(lock, "package-lock.json")
    wanted = _object(package, "package.json")
    if found.get("lockfileVersion") != 3:
        raise PackageLockError(
            "lockfileVersion is not 3: make it with npm 7 or newer ('npm install --package-lock-only')"
        )
    entries = found.get("packages")
    if not isinstance(entries, dict) or not isinstance(entries.get(""), dict):
        raise PackageLockError("it has no 'packages' with an entry for the app itself")
    if len(entries) > MOST_PACKAGES:
        raise PackageLockError(f"it has more than {MOST_PACKAGES} packages")
    for key in ("dependencies", "optionalDependencies"):
        if (entries[""].get(key) or {}) != (wanted.get(key) or {}):
            raise PackageLockError(f"'{key}' of package.json are others: run 'npm install --package-lock-only' again")
    return tuple(_packages({path: entry for path, entry in entries.items() if path}))


def chosen(packages: Iterable[LockedPackage], platform: Platform, *, optional: bool) -> tuple[LockedPackage, ...]:
    """Return what is installed on a platform; optional packages only where they are asked for and fit.

    Raises `PackageLockError` where one that is needed does not fit.
    """
    kept: list[LockedPackage] = []
    left_out: set[str] = set()
    for package in packages:
        if not left_out.isdisjoint(_above(package.path)) or (
            package.optional and not (optional and package.fits(platform))
        ):
            left_out.add(package.path)
        elif not package.fits(platform):
            raise PackageLockError(f"{package.path}: {package} is not for {platform}")
        else:
            kept.append(package)
    return tuple(kept)


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise PackageLockError(f"{name} is not JSON") from None
    if not isinstance(found, dict):
        raise PackageLockError(f"{name} is not an object of JSON")
    return found


def _packages(entries: Mapping[str, object]) -> Iterator[LockedPackage]:
    installed, bundled, left_out = set[str](), set[str](), set[str]()
    for path in sorted(entries, key=lambda path: (path.count("node_modules/"), path)):
        if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
            raise PackageLockError(f"{path[:100]!r} is not a place below node_modules")
        entry = _entry(path, entries[path])
        above = path.rpartition("/node_modules/")[0]
        if entry.dev or not left_out.isdisjoint(_above(path)):
            left_out.add(path)
            continue
        if above and above not in installed | bundled:
            raise PackageLockError(f"{path}: the package in whose folder it is is missing")
        if entry.inBundle:
            # It comes in the tarball of a package above it, and has that one's hash.
            if above == "":
                raise PackageLockError(f"{path}: no package that brings it with it is above it")
            bundled.add(path)
            continue
        installed.add(path)
        yield _package(path, entry)


def _above(path: str) -> Iterator[str]:
    """Yield the places of the packages in whose folders a place is."""
    while "/node_modules/" in path:
        path = path.rpartition("/node_modules/")[0]
        yield path


def _entry(path: str, value: object) -> _LockEntry:
    try:
        return _LockEntry.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise PackageLockError(f"{path}: {where or 'the entry'} is not as npm writes it") from None


def _package(path: str, entry: _LockEntry) -> LockedPackage:
    name = entry.name or path.rpartition("node_modules/")[2]
    if entry.link:
        raise PackageLockError(f"{path}: it is a link to a folder; only packages of the registry are accepted")
    if not _NAME.fullmatch(name):
        raise PackageLockError(f"{path}: {name[:100]!r} is not a package's name")
    if entry.version is None or len(entry.version) > 100 or not _VERSION.fullmatch(entry.version):
        raise PackageLockError(f"{path}: it has no exact version")
    package = LockedPackage(
        path,
        name,
        entry.version,
        _sha512(path, entry.integrity),
        entry.optional or entry.devOptional,
        tuple(_programs(path, name, entry.bin)),
        _texts(entry.os),
        _texts(entry.cpu),
        _texts(entry.libc),
    )
    if entry.resolved is not None and entry.resolved != REGISTRY + package.url_path:
        raise PackageLockError(
            f"{path}: it comes from {entry.resolved[:200]!r}; only {package} of {REGISTRY} is accepted"
        )
    return package


def _sha512(path: str, integrity: str | None) -> str:
    """Read what Subresource Integrity (W3C) has of this hash; others beside it are not needed."""
    found = [word.removeprefix("sha512-") for word in (integrity or "").split() if word.startswith("sha512-")]
    try:
        digests = {base64.b64decode(word, validate=True) for word in found}
    except (binascii.Error, ValueError):
        digests = set()
    if len(digests) != 1 or len(min(digests)) != _HASH_BYTES:
        raise PackageLockError(f"{path}: it has no integrity with one SHA-512 hash (sha512-…)")
    return digests.pop().hex()


def _programs(path: str, name: str, listed: dict[str, str] | str | None) -> Iterator[tuple[str, str]]:
    pairs = {name: listed} if isinstance(listed, str) else listed or {}
    for program, target in sorted(pairs.items()):
        base = program.rpartition("/")[2]
        inner = posixpath.normpath(target)
        if not _PROGRAM.fullmatch(base):
            raise PackageLockError(f"{path}: {program[:100]!r} is not a program's name")
        if inner.startswith(("/", "..")) or inner == "." or not inner.isprintable():
            raise PackageLockError(f"{path}: the program {base} is not in the package")
        yield base, inner


def _texts(value: list[str] | str | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _fits(listed: tuple[str, ...], ours: str) -> bool:
    accepted = [one for one in listed if not one.startswith("!")]
    return f"!{ours}" not in listed and (not accepted or ours in accepted or "any" in accepted)
