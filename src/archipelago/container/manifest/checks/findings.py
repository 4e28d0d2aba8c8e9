"""Findings that several checks share: a name that does not exist, and a value that an option cannot take."""

from collections.abc import Collection, Iterator

from archipelago.container.manifest.model.patterns import PatternError
from archipelago.container.manifest.model.settings import Option
from archipelago.container.manifest.options import MAX_INT, check_option_value
from archipelago.container.manifest.yaml.problems import PathProblem, nearest
from archipelago.container.manifest.yaml.tree import Path

_LONGEST_LIST = 200


def unknown(path: Path, kind: str, name: str, known: Collection[str], *, at_key: bool = False) -> Iterator[PathProblem]:
    """Yield a finding where a name is none of the known ones; lists them unless they are too many to read."""
    if name not in known:
        listed = ", ".join(known)
        expected = None if not known or len(listed) > _LONGEST_LIST else f"one of: {listed}"
        yield PathProblem(path, f"there is no {kind} '{name}'", expected, nearest(name, known), at_key)


def misfit(
    path: Path,
    name: str,
    option: Option | None,
    value: object,
    *,
    most: int = MAX_INT,
    what: str = "the value does not fit the option",
) -> Iterator[PathProblem]:
    """Yield why an option cannot take a value; `most` bounds numbers.

    Yields nothing where there is no such option or its pattern is unusable: each of these has a finding of its own.
    """
    if option is None:
        return
    try:
        problem = check_option_value(name, option, value, most=most)
    except PatternError:
        return
    if problem is not None:
        yield PathProblem(path, f"{what}: {problem.message}", problem.expected, problem.hint)
