"""The manifest model seen as a tree of shapes: which part a key path belongs to, and which keys it may have.

pydantic's error locations mix keys with the names of union members; walking the model's own types tells them apart.
"""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.yaml.tree import Path


@dataclass(frozen=True, slots=True)
class Place:
    """What a pydantic error location means in the manifest."""

    path: Path
    at_key: bool
    """Whether the location is a key of a mapping, not its value."""
    part: type[Part] | None
    """The part in which the last key of the path stands."""
    shape: Any
    """The type that the value at the path should have."""


def bare(shape: Any) -> Any:
    """Return a type without `Annotated` and without `| None`."""
    while True:
        if get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
            continue
        if get_origin(shape) in (Union, types.UnionType):
            members = [member for member in get_args(shape) if member is not types.NoneType]
            if len(members) == 1:
                shape = members[0]
                continue
        return shape


def is_part(shape: Any) -> bool:
    """Return whether a type is a part of the manifest."""
    return isinstance(shape, type) and issubclass(shape, Part)


def variants(shape: Any) -> dict[str, type[Part]]:
    """Return the parts of a union, by their `type` key; empty for anything else."""
    shape = bare(shape)
    if get_origin(shape) not in (Union, types.UnionType):
        return {}
    members = [bare(member) for member in get_args(shape)]
    if not all(is_part(member) and "type" in member.model_fields for member in members):
        return {}
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


def is_text(shape: Any) -> bool:
    """Return whether a value of this type is text (and not one of a few words)."""
    return bare(shape) is str


def locate(location: Sequence[str | int], root: type[Part] = AppManifest) -> Place:
    """Return what a pydantic error location means."""
    shape: Any = root
    path: list[str | int] = []
    part: type[Part] | None = None
    at_key = False
    for step in location:
        shape = bare(shape)
        origin = get_origin(shape)
        union = variants(shape)
        if union:
            shape = union.get(str(step))
        elif is_part(shape):
            part = shape
            info = shape.model_fields.get(str(step))
            path.append(step)
            shape = None if info is None else info.annotation
        elif step == "[key]":
            at_key = True
        elif origin is dict:
            part = None
            path.append(step)
            shape = get_args(shape)[1]
        elif origin is tuple:
            part = None
            path.append(step)
            shape = get_args(shape)[0]
        # Anything else names the member of a union of plain values, which is no key.
    return Place(tuple(path), at_key, part, shape)
