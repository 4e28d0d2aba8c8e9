"""pydantic's errors as sentences for people who do not read Python. Pure.

What was given is never quoted: it may be a secret.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_QUOTED = re.compile(r"'([^']*)'")
_TYPES = {
    "string_type": "text",
    "string_unicode": "text in UTF-8",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "names with their values",
    "model_type": "names with their values",
    "model_attributes_type": "names with their values",
}
_Words = Callable[[Mapping[str, Any]], str]
_LIMITS: Mapping[str, _Words] = {
    "greater_than": lambda c: f"more than {_number(c['gt'])}",
    "less_than": lambda c: f"less than {_number(c['lt'])}",
    "greater_than_equal": lambda c: f"at least {_number(c['ge'])}",
    "less_than_equal": lambda c: f"at most {_number(c['le'])}",
    "string_too_short": lambda c: f"at least {_count(c['min_length'], 'character', 'characters')}",
    "string_too_long": lambda c: f"at most {_count(c['max_length'], 'character', 'characters')}",
    "too_short": lambda c: f"at least {_count(c['min_length'], *_items(c))}",
    "too_long": lambda c: f"at most {_count(c['max_length'], *_items(c))}",
}


def sentence(kind: str, context: Mapping[str, Any], message: str, patterns: Mapping[str, str]) -> str:
    """Say what is wrong with a value, by the type, context and message of pydantic's error.

    `patterns` has for each regular expression what it asks for; without words of its own, it is not shown.
    """
    match kind:
        case "missing" | "missing_argument":
            return "it is missing"
        case "extra_forbidden":
            return "there is no such parameter"
        case "enum" | "literal_error":
            found = _QUOTED.findall(str(context.get("expected", "")))
            return f"expected one of {', '.join(found)}" if found else "it is none of the values that are known"
        case "string_pattern_mismatch":
            words = patterns.get(str(context.get("pattern")))
            return f"expected {words}" if words else "it does not have the form that is needed"
        case "value_error" | "assertion_error":
            return str(context.get("error") or message)
    if kind in _TYPES:
        return f"expected {_TYPES[kind]}"
    if kind in _LIMITS:
        return f"expected {_LIMITS[kind](context)}"
    return message


def _items(context: Mapping[str, Any]) -> tuple[str, str]:
    # Of a secret, pydantic does not say that it is text.
    return ("character", "characters") if context.get("field_type") == "Value" else ("entry", "entries")


def _count(number: object, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
