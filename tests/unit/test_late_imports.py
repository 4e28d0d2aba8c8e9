"""Imports within functions: what they name is there, so that nothing fails only when it is used first."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import archipelago

SOURCE = Path(archipelago.__file__).parent
INDENTED = re.compile(r"^ +(?:from|import) ", re.MULTILINE)


def imports(node: ast.AST, within: bool = False) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that are not run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if within and isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from imports(child, within or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.If))


def test_what_is_imported_late_is_there() -> None:
    texts = (path.read_text() for path in sorted(SOURCE.rglob("*.py")))
    late = [each for text in texts if INDENTED.search(text) for each in imports(ast.parse(text))]
    assert len(late) > 40
    for each in late:
        if isinstance(each, ast.Import):
            for name in each.names:
                importlib.import_module(name.name)
            continue
        assert each.module is not None and each.level == 0
        module = importlib.import_module(each.module)
        for name in each.names:
            if not hasattr(module, name.name):
                importlib.import_module(f"{each.module}.{name.name}")
