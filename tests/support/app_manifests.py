"""A manifest with no more than every app must have."""

from typing import Any

from archipelago.container.manifest.model.app import AppManifest


def app(name: str, /, **parts: Any) -> AppManifest:
    """Return the manifest of an app with one container, changed and completed by these parts."""
    return AppManifest.model_validate(
        {
            "manifest": 1,
            "id": name,
            "name": name.title(),
            "version": "1.0",
            "summary": "An app",
            "description": "An app",
            "category": "other",
            "license": "MIT",
            "containers": {"main": {"image": f"registry.example/{name}@sha256:{'0' * 64}"}},
            **parts,
        }
    )
