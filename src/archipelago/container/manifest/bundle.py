"""Bundles: apps that belong together and are installed in one plan (`apps/bundles/<id>.yml`)."""

import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from archipelago.container.manifest.app_folder import Misplaced, entries, opened, read
from archipelago.container.manifest.checks.hidden_characters import hidden_in_text
from archipelago.container.manifest.model.part import Part
from archipelago.container.manifest.model.scalars import AppId, ShortText
from archipelago.container.manifest.yaml.explain import explain
from archipelago.container.manifest.yaml.placing import placed, yaml_problems
from archipelago.container.manifest.yaml.problems import ManifestError, ManifestProblem
from archipelago.container.manifest.yaml.reader import read_yaml
from archipelago.container.manifest.yaml.tree import MapNode, plain

BUNDLES = "bundles"
"""Name of the folder of bundles in a catalog."""
MAX_BUNDLES = 100
_MAX_BYTES = 16 * 1024
_FILE_NAME = re.compile(r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.yml")


def _different(apps: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(apps)) != len(apps):
        raise ValueError("expected each app once")
    return apps


class Bundle(Part):
    """Apps that belong together."""

    bundle: Literal[1]
    """Version of the format."""
    name: ShortText
    """What one can do with them, as the store's headline."""
    summary: ShortText
    """What they do together, in a sentence."""
    apps: Annotated[tuple[AppId, ...], Field(min_length=2, max_length=12), AfterValidator(_different)]
    """The apps, the one that is used first; what they need is installed too."""


def load_bundle(text: str, source: str) -> Bundle:
    """Read a bundle from YAML; `source` names the text in problems. Raises ManifestError with all problems at once."""
    reading = read_yaml(text)
    problems = [*yaml_problems(reading, source), *hidden_in_text(text, source)]
    bundle = None
    if not isinstance(reading.root, MapNode):
        problems.append(ManifestProblem(source, 1, 1, "", "the text is not a bundle", "a mapping"))
    else:
        try:
            bundle = Bundle.model_validate_json(json.dumps(plain(reading.root)), strict=True)
        except ValidationError as error:
            findings = dict.fromkeys(explain(each, root=Bundle) for each in error.errors(include_url=False))
            problems += [placed(finding, reading.root, source) for finding in findings]
    if bundle is None or problems:
        raise ManifestError(tuple(problems))
    return bundle


def load_bundles(folder: Path) -> dict[str, Bundle | str]:
    """Return the bundles of a catalog's folder by their ids, or what is wrong with each; blocks on files."""
    found: dict[str, Bundle | str] = {}
    try:
        with opened(folder) as here:
            for path in [entry.path for entry in entries(here)][:MAX_BUNDLES]:
                named = _FILE_NAME.fullmatch(path)
                found[named[1] if named else path] = (
                    _read(here, path, str(folder / path)) if named else f"{folder / path}: {_NAMING}"
                )
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        expected = f"; expected {error.expected}" if isinstance(error, Misplaced) and error.expected else ""
        return {BUNDLES: f"{folder}: the folder of bundles cannot be read: {error.strerror or error}{expected}"}
    return found


_NAMING = "the file is no bundle; expected a name of lower case letters, digits and hyphens that ends with .yml"


def _read(folder: int, path: str, source: str) -> Bundle | str:
    try:
        content = read(folder, path, _MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            return f"{source}: the file is too large; expected at most {_MAX_BYTES // 1024} KiB"
        return load_bundle(content.decode("utf-8"), source)
    except ManifestError as error:
        return error.message
    except (OSError, UnicodeDecodeError) as error:
        return f"{source}: the file cannot be read: {error}"
