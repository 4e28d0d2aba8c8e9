"""Class names are unique: one name leads to one class, and the published schemas name each model by it alone."""

import re
from collections import defaultdict
from pathlib import Path

import archipelago

CLASS = re.compile(r"^ *class (\w+)[(:]", re.MULTILINE)


def test_no_two_classes_share_a_name() -> None:
    source = Path(archipelago.__file__).parent
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        for found in CLASS.finditer(path.read_text()):
            places[found[1]].append(f"{path.relative_to(source)}")
    assert len(places) > 500
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
