"""Characters by which a text is another one for its reader than for a program. Pure.

Some end a line for one program and not for the next (U+0085, U+2028, U+2029, a lone carriage return): what an editor
shows as a comment is a setting for YAML. Some show a text in another order (Trojan Source, CVE-2021-42574), or not at
all. None of them has a use in the files of an app that an escape (`"\\u2028"`) would not serve as well.
"""

import re
import unicodedata
from collections.abc import Iterator

from archipelago.container.manifest.yaml.problems import ManifestProblem

_BEYOND_ASCII = (
    "\x7f-\x9f"  # C1, with U+0085 (next line)
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of text
    "\u2028\u2029"  # ends of lines and paragraphs
    "\ufeff\ufff9-\ufffb"  # byte order mark, annotations
    "\U000e0000-\U000e007f"  # tags, which nothing shows
)
_IN_A_TEXT = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_BEYOND_ASCII}]|\r(?!\n)")
_IN_A_VALUE = re.compile(rf"[{_BEYOND_ASCII}]")
_WITHOUT_A_NAME = {0x0D: "carriage return", 0x7F: "delete", 0x85: "next line"}
_MOST = 20
"""Findings in one text; nobody reads more."""


def hidden_in_text(text: str, source: str) -> Iterator[ManifestProblem]:
    """Yield a problem for each such character that stands in a file; `source` names the file."""
    line, start = 1, 0
    for number, found in enumerate(_IN_A_TEXT.finditer(text)):
        if number == _MOST:
            return
        line += text.count("\n", start, found.start())
        start = found.start()
        column = start - text.rfind("\n", 0, start)
        message = f"the character {described(found[0])} is not allowed"
        yield ManifestProblem(source, line, column, "", message, "plain text without it")


def hidden_in_value(text: str) -> str | None:
    """Return what the first such character of a value is, which an escape may have made; None without one."""
    found = _IN_A_VALUE.search(text)
    return None if found is None else described(found[0])


def described(character: str) -> str:
    """Return a character by its number and name."""
    code = ord(character)
    name = _WITHOUT_A_NAME.get(code) or unicodedata.name(character, "control character").lower()
    return f"U+{code:04X} ({name})"
