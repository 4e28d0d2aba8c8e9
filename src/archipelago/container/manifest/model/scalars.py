"""Scalar types of the manifest: identifiers, sizes, durations, versions."""

import re
from typing import Annotated, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from archipelago.support.texts.sizes import read_size

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_size(value: Any) -> int:
    """Return bytes for `512MiB`, `1.5GB` or a whole number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return read_size(value if isinstance(value, str) else "")


def parse_duration(value: Any) -> float:
    """Return seconds for `500ms`, `30s`, `10m`, `1h` or a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e12 else 1e12
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30s or 10m")
    return float(match[1]) * _DURATION_UNITS[match[2]]


def _check_version(value: str) -> str:
    try:
        if value != value.strip():
            raise InvalidVersion(value)
        Version(value)
    except InvalidVersion as error:
        raise ValueError("expected a version such as 29.4 or 1.20.2 (PEP 440)") from error
    return value


def _check_range(value: str) -> str:
    try:
        SpecifierSet(value)
    except InvalidSpecifier as error:
        raise ValueError("expected a version range such as '>=25,<31' (PEP 440)") from error
    return value


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

IDS_PER_APP = 65536
"""User ids, and group ids, that each app has for itself."""


def is_one_line(text: str) -> bool:
    """Return whether a text cannot end a line in a configuration file, and so cannot write other settings there."""
    return _UNSAFE.search(text) is None


def _check_container_path(value: str) -> str:
    if not value.startswith("/") or ".." in value.split("/") or "//" in value or _CONTROL.search(value):
        raise ValueError("expected an absolute path without '..'")
    if value == "/":
        raise ValueError("the root directory cannot be used here")
    return value


def _check_package_path(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/") or _CONTROL.search(value) or not value:
        raise ValueError("expected a path inside the app's folder, without '..'")
    return value


_NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_KEY = r"^[a-z][a-z0-9_]*$"

AppId = Annotated[str, StringConstraints(pattern=_NAME, max_length=40)]
"""Name of an app: lower case letters, digits and single hyphens (an RFC 1123 label)."""

Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=40)]
"""Name of an interface, container, volume or endpoint."""

Key = Annotated[str, StringConstraints(pattern=_KEY, max_length=40)]
"""Name of an option or secret, usable as an attribute in templates."""

Bytes = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(ge=0, le=1 << 60),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["512MiB", "2GB"]}),
]
"""A size in bytes."""

Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0, le=7 * 86400),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30s", "10m"]}),
]
"""A duration in seconds."""

VersionText = Annotated[str, StringConstraints(max_length=40), AfterValidator(_check_version)]
VersionRange = Annotated[str, StringConstraints(max_length=80), AfterValidator(_check_range)]
ContainerPath = Annotated[str, StringConstraints(max_length=255), AfterValidator(_check_container_path)]
PackagePath = Annotated[str, StringConstraints(max_length=255), AfterValidator(_check_package_path)]
Port = Annotated[int, Field(ge=1, le=65535)]

# Texts reach terminals and configuration files, where an escape or a line break would be more than text.
ShortText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$"),
]
"""One line of text."""

LongText = Annotated[
    str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")
]
"""Text of several lines."""

Argument = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
"""An argument of a program, or the value of an environment variable."""
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
"""Name of an environment variable."""

Scalar = bool | int | float | str
"""The value of an option."""
