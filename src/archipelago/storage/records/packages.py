"""Packages of installed apps, as this version or another one stored them."""

import json

from archipelago.container.manifest.loader import readable_part
from archipelago.container.manifest.package import AppPackage, package_from_json
from archipelago.container.manifest.yaml.problems import ManifestError
from archipelago.support.texts.text import msg


def read_package(text: str, app: str) -> AppPackage:
    """Return the package of an installed app.

    Where this version refuses it, the package has a `problem`, and the readable part of its manifest.
    """
    try:
        return package_from_json(text)
    except ManifestError as error:
        first, *more = error.problems
        where = f"{first.where}: " if first.where else ""
        what = f"{where}{first.message}"
        problem = (
            msg(
                "this version of Archipelago refuses its manifest: {what} ({more} more); update the app",
                what=what,
                more=len(more),
            )
            if more
            else msg("this version of Archipelago refuses its manifest: {what}; update the app", what=what)
        )
    try:
        manifest_text = str(json.loads(text)["manifest"])
    except (ValueError, KeyError, TypeError, RecursionError):
        manifest_text = ""
    return AppPackage(readable_part(manifest_text, app), manifest_text, problem=problem)
