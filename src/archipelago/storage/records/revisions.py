"""What the node remembers of how each app was configured."""

from collections.abc import Mapping
from dataclasses import dataclass

from archipelago.container.manifest.model.scalars import Scalar


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an owner decides about an app; `version` None where it is not installed."""

    version: str | None
    options: Mapping[str, Scalar]
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Revision:
    """A configuration that an app had from `at` (seconds since 1970) on."""

    number: int
    at: float
    why: str
    configuration: Configuration
