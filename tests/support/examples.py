"""How many examples hypothesis makes up.

`make test`, and whoever runs less than all unit tests, tries all of them. `pytest tests/unit` tries a tenth, since it
is run after each change; `--hypothesis-profile all-examples` tries all.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

ALL, SOME = "all-examples", "some-examples"
_USUAL, _FEWER = 100, 10

T = TypeVar("T")


def register_profiles(*, some: bool) -> None:
    """Make the two profiles known, and use some or all examples."""
    # How long an example takes says something about the machine, which may be busy, and nothing about the code.
    any_machine = settings(max_examples=_USUAL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(ALL, any_machine)
    settings.register_profile(SOME, any_machine, max_examples=_FEWER)
    settings.load_profile(SOME if some else ALL)


def examples(count: int) -> int:
    """Return how many examples the profile wants of a test that needs more than usual."""
    return count * settings().max_examples // _USUAL


def share(cases: Sequence[T]) -> Sequence[T]:
    """Return all cases, or as large a part of them as the profile wants; another one in each run."""
    return random.sample(cases, max(1, examples(len(cases))))


def steps(first: int, last: int) -> range:
    """Return the numbers of all steps, or of every fourth one where the profile wants fewer; others in each run."""
    stride = 1 if settings().max_examples == _USUAL else 4
    return range(first + random.randrange(stride), last, stride)
