"""Manifest text to manifest, or to everything that is wrong with it. Pure: it reads no file."""

import json
from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from archipelago.container.manifest.checks.references import check_manifest
from archipelago.container.manifest.model.app import AppManifest
from archipelago.container.manifest.stored import in_this_format
from archipelago.container.manifest.yaml.explain import explain
from archipelago.container.manifest.yaml.placing import placed, yaml_problems
from archipelago.container.manifest.yaml.problems import MAX_PROBLEMS, ManifestError, ManifestProblem, PathProblem
from archipelago.container.manifest.yaml.reader import read_yaml
from archipelago.container.manifest.yaml.salvage import declared_names, salvage
from archipelago.container.manifest.yaml.shapes import is_text, locate
from archipelago.container.manifest.yaml.tree import MapNode, Node, Path, ScalarNode, find, plain

_STAND_IN = {"main": {"image": f"localhost/unknown@sha256:{'0' * 64}"}}
"""Containers of an installed app of which this version can read none."""


def load_manifest(text: str, source: str) -> AppManifest:
    """Read a manifest from YAML text; `source` names the text in problems (a file's path, say).

    Raises ManifestError with all problems at once, in the order of the text.
    """
    return _load(text, source, lambda root: root)


def load_stored_manifest(text: str, source: str) -> AppManifest:
    """Read the manifest of an installed app, which may be in the form of an earlier version; as `load_manifest`."""
    return _load(text, source, in_this_format)


def _load(text: str, source: str, translate: Callable[[Node], Node]) -> AppManifest:
    reading = read_yaml(text)
    problems = list(yaml_problems(reading, source))
    if reading.root is None:
        if not problems:
            problems.append(ManifestProblem(source, 1, 1, "", "the text is empty", "a mapping"))
        raise ManifestError(_bounded(tuple(problems), source))
    root = translate(reading.root)
    manifest, findings = _validate(root)
    problems += [placed(finding, root, source) for finding in findings]
    if manifest is None or problems:
        problems.sort(key=lambda problem: (problem.line, problem.column))
        raise ManifestError(_bounded(tuple(dict.fromkeys(problems)), source))
    return manifest


def readable_part(text: str, app: str) -> AppManifest:
    """Return the part of a manifest that is right, with stand-ins for what must be there. Raises nothing.

    For an app that is installed, and whose manifest this version refuses.
    """
    written = read_yaml(text).root
    root = None if written is None else in_this_format(written)
    value: dict[str, object] = {}
    if isinstance(root, MapNode):
        _, errors = _model(plain(root))
        texts = _written_texts(errors, root)
        value = {key: plain(node, texts, (key,)) for key, node in root.values.items()}
    for given in (value, {**value, "containers": _STAND_IN}, {"name": app, "containers": _STAND_IN}):
        if (manifest := salvage(given, [], _try)) is not None:
            return manifest.model_copy(update={"id": app})
    raise AssertionError("the stand-ins make a manifest")


def place_findings(text: str, source: str, findings: list[PathProblem]) -> list[ManifestProblem]:
    """Return findings as problems at their lines and columns in the text."""
    root = read_yaml(text).root if findings else None
    return [placed(finding, root, source) for finding in findings] if root is not None else []


def _validate(root: Node) -> tuple[AppManifest | None, list[PathProblem]]:
    """Return the manifest when it is right, and what is wrong with it when it is not."""
    if not isinstance(root, MapNode):
        return None, [PathProblem((), "the text is not a manifest", "a mapping")]
    texts: frozenset[Path] = frozenset()
    manifest, errors = _model(plain(root))
    if errors:
        # A number without quotes where text belongs (`version: 1.10`, `mode: 0400`) is the text that was written.
        texts = _written_texts(errors, root)
        if texts:
            manifest, errors = _model(plain(root, texts))
    if manifest is not None:
        return manifest, check_manifest(manifest)
    findings = _findings(errors)
    if len(findings) > MAX_PROBLEMS:
        return None, findings
    rest = salvage(plain(root, texts), findings, _try)
    if rest is not None:
        findings += check_manifest(rest, declared_names(root))
    return None, findings


def _try(value: object) -> tuple[AppManifest | None, list[PathProblem]]:
    manifest, errors = _model(value)
    return manifest, _findings(errors)


def _findings(errors: list[ErrorDetails]) -> list[PathProblem]:
    findings = (explain(error, hints=count < MAX_PROBLEMS) for count, error in enumerate(errors))
    return list(dict.fromkeys(findings))


def _model(value: object) -> tuple[AppManifest | None, list[ErrorDetails]]:
    """Validate strictly: by way of JSON, where a list is a tuple and a word an enum, but `"5"` is no number."""
    try:
        return AppManifest.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _written_texts(errors: list[ErrorDetails], root: Node) -> frozenset[Path]:
    return frozenset(path for error in errors if (path := _written_text(error, root)) is not None)


def _written_text(error: ErrorDetails, root: Node) -> Path | None:
    if error["type"] != "string_type":
        return None
    place = locate(error["loc"])
    node = find(root, place.path)
    if is_text(place.shape) and isinstance(node, ScalarNode) and node.value is not None:
        return place.path
    return None


def _bounded(problems: tuple[ManifestProblem, ...], source: str) -> tuple[ManifestProblem, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return problems
    last = problems[MAX_PROBLEMS - 1]
    more = ManifestProblem(source, last.line, last.column, "", f"and {len(problems) - MAX_PROBLEMS + 1} more problems")
    return (*problems[: MAX_PROBLEMS - 1], more)
