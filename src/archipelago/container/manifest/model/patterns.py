"""Regular expressions of option values, in an engine that cannot be made to run for ever.

Patterns come from apps and texts from owners, so backtracking is out of the question: pydantic-core's engine (Rust's
`regex`) takes time linear in the text, and refuses look-around, back references and patterns that grow beyond measure.
"""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema


class PatternError(ValueError):
    """A pattern that cannot be used."""


@lru_cache(maxsize=256)
def _compile(pattern: str) -> SchemaValidator:
    try:
        for text in (pattern, f"^(?:{pattern})$"):
            validator = SchemaValidator(core_schema.str_schema(pattern=text))
    except SchemaError as error:
        reason = next((line for line in reversed(str(error).splitlines()) if line.startswith("error: ")), "")
        raise PatternError(reason.removeprefix("error: ") or "it cannot be compiled") from error
    return validator


def check_pattern(pattern: str) -> None:
    """Raise PatternError unless the pattern can be used."""
    _compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole text matches; raises PatternError."""
    try:
        _compile(pattern).validate_python(text)
    except ValidationError:
        return False
    return True
