"""Checks of paths inside volumes."""

from collections.abc import Collection, Iterator

from archipelago.container.manifest.model.volume_paths import EVERYTHING, steps
from archipelago.container.manifest.templates import Names, check_template
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path


def check_volume_paths(
    here: Path, paths: tuple[str, ...], options: Collection[str], *, whole: bool
) -> Iterator[PathProblem]:
    """Yield what is wrong with paths inside a volume; `whole` is whether `.` may stand for all of it."""
    names = Names(options, None)
    for index, text in enumerate(paths):
        for problem in check_template(text, names):
            yield PathProblem((*here, index), problem.message, hint=problem.hint)
        if text == EVERYTHING and not whole:
            yield PathProblem((*here, index), "all of a volume is no path here", "a path inside the volume")
        elif "{" not in text:
            try:
                steps(text)
            except ValueError as error:
                yield PathProblem((*here, index), str(error), "names with '/' between them, without '..'")
