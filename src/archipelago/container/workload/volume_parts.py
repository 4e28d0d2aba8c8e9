"""Data that belongs to a setting of a provider: each value has a directory of its own within the volume. Pure."""

import re
from collections.abc import Mapping

from archipelago.container.manifest.model.app import AppManifest
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg

_PART = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What can name a directory beside the node's own marks, which start with a dot."""


def part_of(manifest: AppManifest, volume: str, exports: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the name of the directory in use, or None for a volume that is not kept apart; `exports` by interface.

    Raises `NodeError` where the provider gives no such value, or one that cannot name a directory.
    """
    setting = manifest.volumes[volume].per
    if setting is None:
        return None
    interface, _, key = setting.partition(".")
    value = exports.get(interface, {}).get(key)
    if value is not None and _PART.fullmatch(value):
        return value
    what = (
        msg("there is no such value")
        if value is None
        else msg("its value {value} cannot name a directory", value=f"{value[:60]!r}")
    )
    raise NodeError(
        ErrorCode.INVALID_MANIFEST,
        msg(
            "apps/{app}: the volume '{volume}' is kept apart by {setting}, and {what}",
            app=manifest.id,
            volume=volume,
            setting=setting,
            what=what,
        ),
        hint=msg("choose another provider, or update the app"),
    )


def changed_parts(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the volumes whose directory becomes another one, with the parts before and after."""
    return {
        volume: (before[volume], part)
        for volume, part in sorted(after.items())
        if volume in before and before[volume] != part
    }
