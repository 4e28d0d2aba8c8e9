"""Names of an app that something else has as well: refused when the app is read, since one would hide the other. Pure.

What is kept apart by itself is not checked here: containers and networks in Podman have names with two hyphens in a
row, as no name in a manifest has, and what apps have on disk is in a folder of their own.
"""

from collections.abc import Iterable, Iterator

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.probes import ChainProbe
from archipelago.container.manifest.variants import requirements
from archipelago.container.manifest.yaml.problems import PathProblem
from archipelago.container.manifest.yaml.tree import Path

_NODE = "archipelago"
"""User by which the node itself asks chain daemons. An app asks by its id."""
_LOCALHOST = "localhost"
"""In every container's /etc/hosts, which comes before any name server."""


def check_names(manifest: AppManifest) -> Iterator[PathProblem]:
    """Find names that two kinds of thing share."""
    if manifest.id == _NODE:
        yield PathProblem(("id",), f"'{_NODE}' is the name by which the node asks chain daemons", "another id")
    yield from _hosts(manifest)
    yield from _users(manifest)
    yield from _methods(manifest)


def _hosts(manifest: AppManifest) -> Iterator[PathProblem]:
    """Containers of the app and interfaces that it uses are hosts in one name space."""
    used = list(requirements(manifest))
    for place, names in ((("containers",), manifest.containers), *used):
        for name in names:
            if name == _LOCALHOST:
                yield PathProblem((*place, name), f"'{name}' is the container itself", "another name", at_key=True)
    for name in manifest.containers.keys() & {name for _, names in used for name in names}:
        message = f"the app reaches the interface '{name}' by this name, and could not tell it from the container"
        yield PathProblem(("containers", name), message, "another name for the container", at_key=True)


def _users(manifest: AppManifest) -> Iterator[PathProblem]:
    """Users of a chain daemon are the node's probe and, by their ids, the apps that use it: none of which has a `_`."""
    for name, container in manifest.containers.items():
        probe = container.health.probe if container.health is not None else None
        if isinstance(probe, ChainProbe) and probe.user != _NODE and "_" not in probe.user:
            path: Path = ("containers", name, "health", "probe", "user")
            yield PathProblem(path, f"an app could have the name '{probe.user}' too", f"'{_NODE}', or a name with '_'")


def _methods(manifest: AppManifest) -> Iterator[PathProblem]:
    """To a template `options.items` is what every mapping has, and not the option."""
    places: list[tuple[Path, Iterable[str]]] = [
        (("options",), manifest.options),
        (("secrets",), manifest.secrets),
        (("provides",), manifest.provides),
        *requirements(manifest),
        *((("provides", name, "exports"), provided.exports) for name, provided in manifest.provides.items()),
    ]
    for path, names in places:
        for name in names:
            if hasattr(dict, name):
                message = f"templates could not read '{name}': every mapping has a method of that name"
                yield PathProblem((*path, name), message, "another name", at_key=True)
