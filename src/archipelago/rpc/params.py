"""Types of parameters, each with its limits."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from archipelago.container.manifest.model.scalars import AppId, Key, Name, Scalar

_NO_NUL = r"^[^\x00]*$"
_MAX_NUMBER = 1 << 63
_MAX_WHOLE = (1 << 53) - 1
"""Largest whole number that every JSON reader keeps exact (RFC 8259, 6); the database takes more."""


def _check_scalar(value: Any) -> Any:
    if isinstance(value, int | float) and not -_MAX_NUMBER < value < _MAX_NUMBER:
        raise ValueError("the number is out of range")
    if isinstance(value, str) and (len(value) > 8000 or "\x00" in value):
        raise ValueError("expected at most 8000 characters without NUL")
    return value


OptionValue = Annotated[Scalar, AfterValidator(_check_scalar)]
Options = Annotated[dict[Key, OptionValue], Field(max_length=200)]
Choices = Annotated[dict[Name, AppId], Field(max_length=100)]
Flag = Annotated[bool, Field(strict=True)]
Argument = Annotated[str, StringConstraints(max_length=65536, pattern=_NO_NUL)]
Command = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=1000)]
Agreed = Annotated[tuple[AppId, ...], Field(max_length=1000)]
Also = Annotated[tuple[AppId, ...], Field(max_length=20)]
OperationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Count = Annotated[int, Field(strict=True, ge=0, le=_MAX_WHOLE)]
Number = Annotated[int, Field(strict=True, ge=1, le=_MAX_WHOLE)]
Revision = Count
Tail = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""Number of log lines."""
Side = Annotated[int, Field(ge=2, le=1000)]
"""Columns or rows of a terminal. Not strict: in an address it is a text."""
Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
"""By which an owner knows a thing of his own."""


def secret_text(value: SecretStr | None) -> str | None:
    """Return a secret parameter as text; None where it was left out."""
    return value.get_secret_value() if value is not None else None
