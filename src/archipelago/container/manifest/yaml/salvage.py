"""The right part of a manifest that is wrong in places, so that one reading finds the mistakes of all kinds."""

from collections.abc import Callable, Iterable

from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.model.declared import Declared
from archipelago.container.manifest.yaml.problems import MISSING, PathProblem
from archipelago.container.manifest.yaml.tree import MapNode, Path, find

_ROUNDS = 8
_STAND_INS: dict[str, object] = {
    "manifest": 1,
    "id": "app",
    "name": "App",
    "version": "0",
    "summary": "App",
    "description": "App",
    "category": "other",
    "license": "MIT",
}
"""What stands in for a key that every manifest must have, when its value is wrong."""

Validate = Callable[[object], tuple[AppManifest | None, list[PathProblem]]]


def salvage(value: object, findings: list[PathProblem], validate: Validate) -> AppManifest | None:
    """Return a manifest made of the parts that are right, or None when too little is."""
    manifest = None
    for _ in range(_ROUNDS):
        if manifest is not None or not isinstance(value, dict):
            return manifest
        value = _prune(value, (_cut(finding) for finding in findings))
        for key, stand_in in _STAND_INS.items():
            value.setdefault(key, stand_in)
        manifest, findings = validate(value)
    return manifest


def declared_names(root: MapNode) -> Declared:
    """Return the names that the author declared, in parts that are right or wrong."""

    def keys(section: str) -> list[str]:
        node = find(root, (section,))
        return list(node.values) if isinstance(node, MapNode) else []

    return Declared(keys("options"), keys("secrets"), keys("volumes"), keys("containers"), complete=False)


def _cut(finding: PathProblem) -> Path:
    """Return the path that must go for the finding to go: where a key is missing, all that misses it."""
    path = finding.path[:-1] if finding.message == MISSING else finding.path
    # A list without one of its items would count the others wrongly, so that the whole list goes.
    for depth, step in enumerate(path):
        if isinstance(step, int):
            return path[:depth]
    return path


def _prune(value: dict[str, object], cuts: Iterable[Path]) -> dict[str, object]:
    for path in cuts:
        node: object = value
        for step in path[:-1]:
            node = node.get(str(step)) if isinstance(node, dict) else None
        if isinstance(node, dict) and path:
            node.pop(path[-1], None)
    return value
