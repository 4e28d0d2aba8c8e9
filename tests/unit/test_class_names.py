"""Class names are unique: one name leads to one class, and the published schemas name each model by it alone."""

import ast
from collections import defaultdict
from pathlib import Path

import archipelago


def test_no_two_classes_share_a_name() -> None:
    source = Path(archipelago.__file__).parent
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(source)}:{node.lineno}")
    assert len(places) > 500
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
