"""The manifest's JSON Schema (draft 2020-12), for editors and for the reference page."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from archipelago.chains import chain
from archipelago.container.manifest.model import (
    app,
    containers,
    data,
    domain,
    endpoints,
    images,
    interfaces,
    on_disk,
    onions,
    probes,
    settings,
)
from archipelago.support.attribute_docs import attribute_docs

_MODULES = (app, chain, containers, data, domain, endpoints, images, interfaces, on_disk, onions, probes, settings)
SCHEMA_ID = "urn:archipelago:manifest:1"

Examples = Mapping[tuple[str, str], object]
"""Example value of a key, by the part's class and the key."""


def manifest_schema(examples: Examples | None = None) -> dict[str, Any]:
    """Return the schema of a manifest, with the given examples."""
    schema = app.AppManifest.model_json_schema(mode="validation")
    docs = {key: text for module in _MODULES for key, text in attribute_docs(module.__name__).items()}
    classes = {name: value for module in _MODULES for name, value in vars(module).items() if isinstance(value, type)}
    parts = {"AppManifest": schema, **schema["$defs"]}
    for part, definition in parts.items():
        for key, value in definition.get("properties", {}).items():
            owners = (base.__name__ for base in classes[part].__mro__)
            if (text := next((docs[owner, key] for owner in owners if (owner, key) in docs), None)) is not None:
                value["description"] = " ".join(text.split())
            if examples and (part, key) in examples:
                value["examples"] = [examples[part, key]]
        if "enum" in definition:
            words = dict(_enum_docs(classes[part], docs))
            definition["markdownEnumDescriptions"] = [words.get(word, "") for word in definition["enum"]]
    for node in list(subschemas(schema)):
        _admit_numbers(node)
        _name_keys(node)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    return {**head, **schema, "title": "Archipelago app manifest, version 1"}


def _enum_docs(part: type[Enum], docs: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    for member in part:
        yield member.value, docs.get((part.__name__, member.name), "")


def subschemas(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema, in order, but not through references."""
    for key in ("$defs", "properties", "patternProperties"):
        for inner in schema.get(key, {}).values():
            yield inner
            yield from subschemas(inner)
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(inner := schema.get(key), dict):
            yield inner
            yield from subschemas(inner)
    for key in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(key, ()):
            yield inner
            yield from subschemas(inner)


def _admit_numbers(node: dict[str, Any]) -> None:
    # The loader takes `version: 29.4` for the text that it looks like, so an editor must not complain.
    if node.get("type") == "string" and "enum" not in node and "const" not in node:
        node["type"] = ["string", "number", "boolean"]


def _name_keys(node: dict[str, Any]) -> None:
    # pydantic lets keys that match no pattern pass; the loader does not.
    patterns = node.pop("patternProperties", {})
    for pattern, inner in patterns.items():
        node["propertyNames"] = {"type": "string", "pattern": pattern}
        node["additionalProperties"] = inner
