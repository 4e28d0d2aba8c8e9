"""Only `storage/layout`, and `tls_folder` beside it, spell paths below the data root and the run-time directory."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import archipelago
from archipelago.storage import layout
from archipelago.storage.layout import AppFolder, KeptFolder, Layout, app_paths, audit_head, second_name
from archipelago.storage.tls_folder import TlsFolder

SOURCE = Path(archipelago.__file__).parent
ROOT = Path("/data-root")
MAKES_PATHS = {"glob", "joinpath", "rglob", "with_name"}

FREE = {
    "storage/layout_migration.py": {"secrets"},  # what earlier versions called them
    "config.py": {"apps"},  # of the catalog, in the checkout
    "docgen/messages.py": {"apps"},  # likewise
    "docgen/catalog_page.py": {"apps"},  # likewise
    "backups/repository.py": {"snapshots"},  # in a repository of restic
    "container/images/python_packages/installer.py": {"uv-cache"},  # in the folder of one build
}
"""Names that mean something else in a module."""


def names() -> set[str]:
    """Return every name of a file or folder that the layout spells."""
    whole = Layout(ROOT, ROOT / "runtime")
    folder, app = AppFolder(ROOT), app_paths(str(ROOT), "app")
    found: list[object] = [audit_head(ROOT), second_name(whole.podman_socket), layout.OLD_PACKAGE_CACHE, app.volumes]
    for thing in (whole, folder, KeptFolder(ROOT), TlsFolder(ROOT)):
        properties = {name for name, value in inspect.getmembers(type(thing)) if isinstance(value, property)}
        for name in properties | {field.name for field in dataclasses.fields(thing)}:
            value = getattr(thing, name)
            found += value if isinstance(value, tuple) else [value]
    parts = {part for path in found for part in Path(str(path)).parts}
    return parts - {*ROOT.parts, "runtime", "app"}


def spelled(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the components of paths that a module writes, each with its line; not those of plain texts."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.Div(), right=ast.Constant(value=str(text))):
                yield from ((node.lineno, part) for part in text.split("/"))
            case ast.BinOp(op=ast.Div(), left=ast.Constant(value=str(text))):
                yield from ((node.lineno, part) for part in text.split("/"))
            case ast.JoinedStr(values=values):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in values)
                # One that begins with a word is an address of an API, or tells people where something is in a checkout.
                first, *parts = text.split("/")
                yield from ((node.lineno, part) for part in parts if "\0" in first)
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]) if (
                name in MAKES_PATHS
            ):
                yield from ((node.lineno, part) for part in text.split("/"))


def test_no_other_module_spells_a_path_of_the_layout() -> None:
    known = names()
    assert {"apps", "secrets", "kept", "state.db", "node.key", "head.json", "archipelago.sock", "files"} <= known
    # A component of a path ends where its text or a part of that does.
    spelling = re.compile(rf"""["'/](?:{"|".join(map(re.escape, sorted(known)))})["'/]""")
    found, used = [], set()
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).as_posix()
        if module in ("storage/layout.py", "storage/tls_folder.py"):
            continue
        text = path.read_text()
        if not spelling.search(text):
            continue  # to parse it takes longer than this search
        for line, part in spelled(ast.parse(text)):
            if part in FREE.get(module, ()):
                used.add((module, part))
            elif part in known:
                found.append(f"{module}:{line}: {part!r} belongs in storage/layout.py")
    assert not found, "\n".join(found)
    assert used == {(module, part) for module, parts in FREE.items() for part in parts}, "an exception is not needed"


def test_the_search_finds_each_way_to_spell_a_path() -> None:
    text = 'a / "apps"; "kept" / b; f"{c}/secrets/{d}"; f"apps/{i}: no"; e.glob("*/secrets/*.age"); print("the apps")'
    assert [part for _, part in spelled(ast.parse(text)) if part in names()] == ["apps", "kept", "secrets", "secrets"]
