"""The list of all texts that the node says to people, which the page has translations of."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import archipelago
from archipelago.container.manifest.bundle import BUNDLES, Bundle, load_bundles
from archipelago.container.manifest.package import load_package
from archipelago.support.texts.text import placeholders

LIST = "neode-ui/src/i18n/node/messages.json"
_SOURCES = Path(archipelago.__file__).parent
_CATALOG = _SOURCES.parents[1] / "apps"
_SHOWN_KEYS = frozenset({"label", "help", "because", "summary", "description"})
"""Keys of a manifest whose values are texts for people."""


def message_files() -> Iterator[tuple[str, str]]:
    """Yield the list, sorted: templates of `msg` in the sources, and texts of the manifests and bundles in `apps/`."""
    sources = (path.read_text(encoding="utf-8") for path in sorted(_SOURCES.rglob("*.py")))
    found = {key for source in sources if "msg(" in source for key in templates(source)}
    for manifest in sorted(_CATALOG.glob("*/manifest.yml")):
        found |= set(_shown(load_package(manifest.parent).manifest.model_dump(mode="json")))
    for bundle in load_bundles(_CATALOG / BUNDLES).values():
        found |= {bundle.name, bundle.summary} if isinstance(bundle, Bundle) else set()
    # A text of parameters and punctuation alone needs no translation.
    yield LIST, json.dumps(sorted(filter(_has_words, found)), indent=2, ensure_ascii=False) + "\n"


def templates(source: str) -> Iterator[str]:
    """Yield the templates of all calls of `msg` in a module.

    Raises `ValueError` where one is no literal, or names other parameters than its call gives.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="msg"), args=[ast.Constant(value=str(template))], keywords=given):
                if odd := placeholders(template) ^ {each.arg for each in given}:
                    raise ValueError(f"line {node.lineno}: {template!r} and its parameters differ in {odd}")
                yield template
            case ast.Call(func=ast.Name(id="msg")):
                raise ValueError(f"line {node.lineno}: the template of msg() must be a literal: {ast.unparse(node)}")


def _has_words(template: str) -> bool:
    return any(part.partition("}")[2].strip(" .,:;()'/→") for part in f"}}{template}".split("{"))


def _shown(value: object, key: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, each in value.items():
                yield from _shown(each, name)
        case list():
            for each in value:
                yield from _shown(each, key)
        case str() if key in _SHOWN_KEYS:
            yield value
