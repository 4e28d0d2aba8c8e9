"""The packages that an image's own databases name: apk, dpkg, PyPI, npm. Pure; whatever they hold, nothing raises.

Sources: apk(5), deb-control(5) and distroless' `status.d`, PyPA core metadata, package.json(5) of npm.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from enum import StrEnum

_LONGEST = 300


class Ecosystem(StrEnum):
    """Where a package comes from; the value is its type in a package URL (purl-spec)."""

    ALPINE = "apk"
    DEBIAN = "deb"
    PYPI = "pypi"
    NPM = "npm"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package of an image."""

    ecosystem: Ecosystem
    name: str
    version: str
    license: str = ""


def packages(files: Mapping[str, bytes]) -> tuple[Package, ...]:
    """Return the packages that some files of an image name, each once; `files` are by path, without a leading `/`."""
    found = {package for path, content in files.items() for package in _read(path, content)}
    return tuple(sorted(found))


def _read(path: str, content: bytes) -> Iterator[Package]:
    text = content.decode("utf-8", "replace")
    if path.endswith("lib/apk/db/installed"):
        yield from _apk(text)
    elif path.startswith("var/lib/dpkg/"):
        yield from _dpkg(text)
    elif path.endswith("/METADATA"):
        yield from _pypi(text)
    elif path.endswith("/package.json"):
        yield from _npm(text)


# Both tools end a line at a line feed alone; Python's `splitlines` does so at eight more characters.
def _apk(text: str) -> Iterator[Package]:
    for paragraph in text.split("\n\n"):
        fields = {line[0]: line[2:] for line in paragraph.split("\n") if line[1:2] == ":"}
        yield from _package(Ecosystem.ALPINE, fields.get("P"), fields.get("V"), fields.get("L"))


def _dpkg(text: str) -> Iterator[Package]:
    for paragraph in text.split("\n\n"):
        fields = dict(_field(line) for line in paragraph.split("\n") if ":" in line and line[:1].isalpha())
        # A package that was removed keeps its paragraph, under another status.
        if fields.get("status", "install ok installed").endswith(" installed"):
            yield from _package(Ecosystem.DEBIAN, fields.get("package"), fields.get("version"), "")


def _pypi(text: str) -> Iterator[Package]:
    head = HeaderParser().parsestr(text.partition("\n\n")[0])
    name = str(head.get("Name", "")).lower().replace("_", "-")
    license = str(head.get("License-Expression") or head.get("License") or "")
    yield from _package(Ecosystem.PYPI, name, str(head.get("Version", "")), license.partition("\n")[0])


def _npm(text: str) -> Iterator[Package]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        yield from _package(Ecosystem.NPM, found.get("name"), found.get("version"), found.get("license"))


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.lower(), value.strip()


def _package(ecosystem: Ecosystem, name: object, version: object, license: object) -> Iterable[Package]:
    texts = [str(each).strip() if isinstance(each, str) else "" for each in (name, version, license)]
    if texts[0] and texts[1] and all(each.isprintable() and len(each) <= _LONGEST for each in texts[:2]):
        yield Package(ecosystem, texts[0], texts[1], texts[2] if texts[2].isprintable() else "")


@dataclass(frozen=True, slots=True)
class Difference:
    """What an update changed; names with their ecosystem, sorted."""

    added: tuple[Package, ...] = ()
    removed: tuple[Package, ...] = ()
    changed: tuple[tuple[Package, Package], ...] = ()
    """Before and after."""


def compare(before: Iterable[Package], after: Iterable[Package]) -> Difference:
    """Return what is different. Of a package that is there in several versions each counts by itself."""
    old, new = set(before), set(after)
    gone, come = sorted(old - new), sorted(new - old)
    changed = []
    for package in tuple(gone):
        same = [(package.ecosystem, package.name) == (one.ecosystem, one.name) for one in come]
        if any(same):
            changed.append((package, come.pop(same.index(True))))
            gone.remove(package)
    return Difference(tuple(come), tuple(gone), tuple(changed))
