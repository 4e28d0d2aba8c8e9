"""A manifest as data, and as YAML."""

from typing import Any

import yaml


def manifest(**changes: Any) -> dict[str, Any]:
    """Return a manifest that is right, with changes."""
    value: dict[str, Any] = {
        "manifest": 1,
        "id": "shop",
        "name": "Shop",
        "version": "1.0",
        "summary": "A shop",
        "description": "It sells.",
        "category": "finance",
        "license": "MIT",
        "options": {
            "size": {"type": "int", "label": "Size", "default": 5, "minimum": 1, "maximum": 9},
            "open": {"type": "bool", "label": "Open", "default": True},
            "kind": {"type": "choice", "label": "Kind", "default": "new", "choices": ["new", "old"]},
        },
        "secrets": {"key": {}},
        "volumes": {"data": {"data": "files"}},
        "containers": {
            "main": {
                "build": {"type": "packages", "packages": ["tor"]},
                "mounts": [{"volume": "data", "path": "/data"}],
                "health": {"probe": {"type": "chain", "port": 1, "secret": "key"}},
            }
        },
    }
    for path, change in changes.items():
        *parents, last = path.split("__")
        node = value
        for step in parents:
            node = node.setdefault(step, {})
        node[last] = change
    return value


class _NoAliases(yaml.SafeDumper):
    """Writes the same value twice where PyYAML would write an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(value: object) -> str:
    """Return YAML without anchors and aliases."""
    return yaml.dump(value, Dumper=_NoAliases, sort_keys=False)
