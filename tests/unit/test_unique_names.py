"""Names are unique. One name leads to one class, and the published schemas name each model by it alone.

The name of a test module is all that pytest knows it by: of two, none is run.
"""

import re
from collections import defaultdict
from pathlib import Path

import archipelago
from support.checkout import TESTS

CLASS = re.compile(r"^ *class (\w+)[(:]", re.MULTILINE)


def test_no_two_classes_share_a_name() -> None:
    source = Path(archipelago.__file__).parent
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        for found in CLASS.finditer(path.read_text()):
            places[found[1]].append(f"{path.relative_to(source)}")
    assert len(places) > 500
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_test_modules_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        places[path.name].append(f"{path.relative_to(TESTS)}")
    assert len(places) > 300
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
