"""All generated files of the checkout. To add some, write a generator and name it in `GENERATORS`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from archipelago.docgen.catalog_page import catalog_page_files
from archipelago.docgen.manifest_reference import manifest_files
from archipelago.docgen.messages import message_files
from archipelago.docgen.rpc_reference import rpc_files

Generator = Callable[[], Iterable[tuple[str, str]]]
"""Makes files: pairs of path (in the checkout) and content."""

GENERATORS: tuple[Generator, ...] = (catalog_page_files, manifest_files, message_files, rpc_files)


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file as it should be."""

    path: str
    content: str


def generated_files() -> list[GeneratedFile]:
    """Return every generated file, in a stable order. Raises `ValueError` where what one is made of is incomplete."""
    files = [GeneratedFile(path, content) for generator in GENERATORS for path, content in generator()]
    return sorted(files, key=lambda file: file.path)


def stale_files(files: Iterable[GeneratedFile], checkout: Path) -> list[GeneratedFile]:
    """Return those of the generated files that differ from those in the checkout; reads files."""
    return [file for file in files if not _same(checkout / file.path, file.content)]


def write_files(files: Iterable[GeneratedFile], checkout: Path) -> list[str]:
    """Write the generated files that differ, and return their paths."""
    written = []
    for file in stale_files(files, checkout):
        target = checkout / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content, encoding="utf-8")
        written.append(file.path)
    return written


def _same(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False
