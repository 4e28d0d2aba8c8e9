"""What an image says about its data (`VOLUME`), against what the manifest says. Pure.

Podman would make a volume of its own for it: empty after each update, and outside of all limits and backups. In memory,
the data would be lost just as silently. So the app's author must decide.
"""

import posixpath

from archipelago.container.manifest.model.containers import Container
from archipelago.container.manifest.package import AppPackage
from archipelago.errors import ErrorCode, NodeError
from archipelago.support.texts.text import msg


def refuse_hidden_data(package: AppPackage, container: str, volumes: tuple[str, ...]) -> None:
    """Raise `NodeError` where an image keeps data in directories of which the manifest does not know."""
    hidden = uncovered(package.manifest.containers[container], volumes)
    if not hidden:
        return
    app, places = package.manifest.id, ", ".join(hidden)
    raise NodeError(
        ErrorCode.IMAGE,
        msg(
            "the image of {app} keeps data in {places}, where its manifest gives container '{container}' no volume",
            app=app,
            places=places,
            container=container,
        ),
        hint=msg("the app's author must mount a volume there, or a tmpfs where the data may be lost at each start"),
        data={"app": app, "container": container, "paths": list(hidden)},
    )


def uncovered(container: Container, volumes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories in which an image keeps data, and where the manifest has neither a volume nor a tmpfs."""
    places = {_normal(mount.path) for mount in container.mounts} | {_normal(each.path) for each in container.tmpfs}
    return tuple(sorted(path for path in map(_normal, volumes) if not any(_is_at(path, place) for place in places)))


def _normal(path: str) -> str:
    return posixpath.normpath(f"/{path}").replace("//", "/")


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")
