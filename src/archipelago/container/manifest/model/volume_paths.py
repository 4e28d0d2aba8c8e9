"""Paths inside a volume."""

from typing import Annotated

from pydantic import Field, StringConstraints

from archipelago.container.manifest.model.scalars import is_one_line

VolumePath = Annotated[
    str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", strip_whitespace=True)
]
"""Path inside a volume, without a leading slash; a template over the app's options."""

Paths = Annotated[tuple[VolumePath, ...], Field(max_length=20)]
EVERYTHING = "."
"""Path that stands for all that is in a volume."""


def steps(path: str) -> tuple[str, ...]:
    """Return the names on the way to a path inside a volume; none for all of it. Raises `ValueError`.

    Nothing leads out of the volume, whatever the values were that a template put in.
    """
    if path == EVERYTHING:
        return ()
    names = tuple(path.split("/"))
    if not is_one_line(path) or any(name in ("", ".", "..") for name in names):
        raise ValueError(f"{path[:80]!r} is no path inside a volume")
    return names
