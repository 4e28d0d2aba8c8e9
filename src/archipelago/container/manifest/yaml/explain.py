"""pydantic's errors in the words of somebody who writes a manifest."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from pydantic_core import ErrorDetails

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import Scalar
from archipelago.container.manifest.yaml.problems import MISSING, PathProblem, nearest, show
from archipelago.container.manifest.yaml.shapes import bare, is_part, locate, variants

_QUOTED = re.compile(r"'([^']*)'")

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

PATTERNS = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "lower case letters, digits and single hyphens, such as 'bitcoin-rpc'",
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z][a-z0-9_]*$": "an interface and its value, such as 'bitcoin-rpc.network'",
    r"^[a-z][a-z0-9_]*$": "lower case letters, digits and underscores, such as 'db_cache'",
    r"^[a-z0-9][a-z0-9.:/_-]*(:[A-Za-z0-9_.-]+)?@sha256:[0-9a-f]{64}$": (
        "an image with its digest, such as 'docker.io/library/redis:7@sha256:' and 64 hexadecimal digits"
    ),
    r"^[0-9]{1,5}:[0-9]{1,5}$": "a user and group as numbers up to 65535, such as '1000:1000'",
    r"^0?[0-7]{3}$": "a file mode in octal, such as '0400'",
    r"^https://[\x21-\x7e]+$": "an address that starts with 'https://'",
    r"^/[\x21-\x7e]*$": "a path that starts with '/' and has no spaces",
    r"^/dev/[A-Za-z0-9/_-]+$": "a device, such as '/dev/ttyUSB0'",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "the name of an environment variable, such as 'DATA_DIR'",
    r"^[^\x00-\x1f\x7f-\x9f]*$": "one line of text, without control characters",
    r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$": "text without control characters",
    r"^[^\x00]*$": "text without the character zero",
    r"^[a-z0-9][a-z0-9+.=:~-]*$": "a Debian package, such as 'tor' or 'tor=0.4.7.16-1'",
}
"""What the model's patterns ask for, in words."""


def explain(error: ErrorDetails, *, hints: bool = True, root: type[Part] = AppManifest) -> PathProblem:
    """Return what one pydantic error means, with the nearest valid key or value when `hints` is set.

    `root` is the model that was read.
    """
    place = locate(error["loc"], root)
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    match kind:
        case "extra_forbidden" if place.part is not None and str(place.path[-1]) in place.part.replaced:
            return PathProblem(place.path, "replaced key", place.part.replaced[str(place.path[-1])], at_key=True)
        case "extra_forbidden":
            valid = list(place.part.model_fields) if place.part is not None else []
            hint = _nearest_key(str(place.path[-1]), place.part) if hints else None
            expected = None if hint else "one of: " + ", ".join(valid)
            return PathProblem(place.path, "unknown key", expected, hint, at_key=True)
        case "missing":
            return PathProblem(place.path, MISSING, _words(place.shape))
        case "union_tag_not_found":
            return PathProblem((*place.path, "type"), MISSING, "one of: " + ", ".join(variants(place.shape)))
        case "union_tag_invalid":
            return _choice((*place.path, "type"), str(context.get("tag")), context, hints=hints)
        case "enum" | "literal_error":
            return _choice(place.path, given, context, hints=hints, at_key=place.at_key)
        case "value_error" | "assertion_error":
            return _own_check(place.path, given, context, at_key=place.at_key)
    if kind in _TYPES and not _is_scalar_union(place.shape):
        return PathProblem(place.path, f"wrong type: {show(given)}", _TYPES[kind], at_key=place.at_key)
    if kind in _TYPES:
        return PathProblem(place.path, f"wrong type: {show(given)}", "true, false, a number or text")
    if kind in _LIMITS:
        return PathProblem(place.path, *_LIMITS[kind](context, given), at_key=place.at_key)
    return PathProblem(place.path, error["msg"], at_key=place.at_key)


def _nearest_key(key: str, part: type[Part] | None) -> str | None:
    """Return the nearest key of a part, or of one of its own parts (`resources.memory`)."""
    if part is None:
        return None
    if (hint := nearest(key, part.model_fields)) is not None:
        return hint
    for name, info in part.model_fields.items():
        inner = bare(info.annotation)
        if is_part(inner) and (hint := nearest(key, inner.model_fields)) is not None:
            return f"{name}.{hint}"
    return None


def _words(shape: Any) -> str | None:
    """Return the words of which a value is one, where there are no others."""
    shape = bare(shape)
    return "one of: " + ", ".join(shape) if isinstance(shape, type) and issubclass(shape, StrEnum) else None


def _is_scalar_union(shape: Any) -> bool:
    return bool(shape == Scalar)


def _choices(context: Mapping[str, Any]) -> str:
    raw = str(context.get("expected") or context.get("expected_tags") or "")
    return "one of: " + ", ".join(_QUOTED.findall(raw) or [raw])


def _choice(
    path: tuple[str | int, ...], given: object, context: Mapping[str, Any], *, hints: bool, at_key: bool = False
) -> PathProblem:
    valid = _QUOTED.findall(str(context.get("expected") or context.get("expected_tags") or ""))
    hint = nearest(given, valid) if hints and isinstance(given, str) else None
    return PathProblem(path, f"wrong value: {show(given)}", _choices(context), hint, at_key=at_key)


def _own_check(
    path: tuple[str | int, ...], given: object, context: Mapping[str, Any], *, at_key: bool = False
) -> PathProblem:
    text = str(context.get("error", "wrong value"))
    if text.startswith("expected "):
        return PathProblem(path, f"wrong value: {show(given)}", text.removeprefix("expected "), at_key=at_key)
    return PathProblem(path, text, at_key=at_key or isinstance(given, dict))


def _amount(count: object, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_Limit = Callable[[Mapping[str, Any], object], tuple[str, str]]

_LIMITS: Mapping[str, _Limit] = {
    "greater_than": lambda c, v: (f"out of range: {show(v)}", f"more than {c['gt']:g}"),
    "less_than": lambda c, v: (f"out of range: {show(v)}", f"less than {c['lt']:g}"),
    "greater_than_equal": lambda c, v: (f"out of range: {show(v)}", f"at least {_number(c['ge'])}"),
    "less_than_equal": lambda c, v: (f"out of range: {show(v)}", f"at most {_number(c['le'])}"),
    "string_too_short": lambda c, v: ("too short", f"at least {_amount(c['min_length'], 'character')}"),
    "string_too_long": lambda c, v: ("too long", f"at most {_amount(c['max_length'], 'character')}"),
    "too_short": lambda c, v: ("too few", f"at least {_amount(c['min_length'], 'entry').replace('entrys', 'entries')}"),
    "too_long": lambda c, v: ("too many", f"at most {_amount(c['max_length'], 'entry').replace('entrys', 'entries')}"),
    "string_pattern_mismatch": lambda c, v: (
        f"wrong form: {show(v)}",
        PATTERNS.get(c["pattern"], f"text that matches {c['pattern']}"),
    ),
}


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
