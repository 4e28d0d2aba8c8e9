"""The program in the user namespace is one text, in which the names of all its modules are in common."""

import ast
from collections import Counter
from pathlib import Path

from archipelago.container.namespace.agent import program


def test_no_module_takes_a_name_of_another_and_none_is_left_out() -> None:
    text = program.agent_program()
    assert "archipelago." not in text, "the namespace has no such package"
    names: Counter[str] = Counter()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] += 1
        elif isinstance(node, ast.Assign):
            names.update(each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] += 1
    assert [name for name, count in names.items() if count > 1] == []
    modules = {path.stem for path in Path(program.__file__).parent.glob("*.py")} - {"__init__", "program"}
    assert modules == set(program._MODULES)
