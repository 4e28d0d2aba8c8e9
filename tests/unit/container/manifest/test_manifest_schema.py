"""The schema, the reference page and the generator of files."""

import json
from pathlib import Path
from typing import Any

import pytest

from archipelago.container.manifest.loader import load_manifest
from archipelago.container.manifest.package import load_package
from archipelago.container.manifest.schema import manifest_schema, subschemas
from archipelago.docgen.generators import GeneratedFile, generated_files, stale_files, write_files
from archipelago.docgen.manifest_reference import EXAMPLE_FOLDER, example_text
from support.checkout import CHECKOUT


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Return the schema without examples."""
    return manifest_schema()


@pytest.fixture(scope="module")
def files() -> list[GeneratedFile]:
    """Return all generated files."""
    return generated_files()


def test_the_example_is_an_app() -> None:
    assert load_package(EXAMPLE_FOLDER).manifest == load_manifest(example_text(), "example")


def test_every_part_and_every_key_is_described(schema: dict[str, Any]) -> None:
    parts = {"AppManifest": schema, **schema["$defs"]}
    assert len(parts) > 40
    for name, part in parts.items():
        assert part.get("description"), name
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), (name, key)


def test_the_schema_refuses_unknown_keys_everywhere(schema: dict[str, Any]) -> None:
    for part in (schema, *subschemas(schema)):
        if "properties" in part:
            assert part["additionalProperties"] is False
        assert "patternProperties" not in part


def test_the_schema_names_itself(schema: dict[str, Any]) -> None:
    assert schema["$id"] == "urn:archipelago:manifest:1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_references_lead_somewhere(schema: dict[str, Any]) -> None:
    references = {part["$ref"].removeprefix("#/$defs/") for part in subschemas(schema) if "$ref" in part}
    assert references == schema["$defs"].keys()


def test_generated_files_are_not_stale(files: list[GeneratedFile]) -> None:
    assert [file.path for file in stale_files(files, CHECKOUT)] == []


def test_stale_files_are_named_and_mended(files: list[GeneratedFile], tmp_path: Path) -> None:
    paths = [file.path for file in files]
    assert [file.path for file in stale_files(files, tmp_path)] == paths
    assert write_files(files, tmp_path) == paths
    assert write_files(files, tmp_path) == []
    (tmp_path / "docs" / "manifest.md").write_bytes(b"\xff")
    assert [file.path for file in stale_files(files, tmp_path)] == ["docs/manifest.md"]


def test_the_reference_page_is_whole(files: list[GeneratedFile]) -> None:
    page = {file.path: file.content for file in files}
    text = page["docs/manifest.md"]
    titles = {line.removeprefix("## ").lower() for line in text.splitlines() if line.startswith("## ")}
    links = {part.split(")")[0] for part in text.split("](#")[1:]}
    assert links <= titles
    assert "any plain value" not in text.replace("| any plain value | *required* |", "")
    assert example_text() in text
    assert json.loads(page["docs/manifest.schema.json"])["$defs"]["Egress"]["enum"] == ["none", "tor", "direct", "lan"]
