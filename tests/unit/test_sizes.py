"""Files have at most 400 lines, functions at most 60: what is longer has a second idea in it."""

import ast
from pathlib import Path

import archipelago
from support.checkout import APPS, TESTS

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
SOURCES = sorted((*Path(archipelago.__file__).parent.rglob("*.py"), *APPS.rglob("*.py")))


def test_no_file_is_too_long() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in (*SOURCES, *TESTS.rglob("*.py"))}
    assert len(lengths) > 900
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    found = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(found) > 1000
    assert {name: length for name, length in found.items() if length > LONGEST_FUNCTION} == {}
