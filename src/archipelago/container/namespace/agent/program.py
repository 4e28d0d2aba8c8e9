"""The agent as one text, which Python takes on its command line.

Its text and not its path: the user namespace may be older than this checkout's place in it.
"""

import re
from pathlib import Path

_MODULES = (
    "refused",
    "network",
    "walk",
    "mounts",
    "removal",
    "files",
    "volumes",
    "browse",
    "streams",
    "look",
    "copies",
    "main",
)
"""Each behind those that it imports."""
_OWN_IMPORT = re.compile(r"^from archipelago\.\S+ import (?:\([^)]*\)|.*)\n", re.MULTILINE)


def agent_program() -> str:
    """Return the source of all modules of the agent, in which they have their names in common. Reads files."""
    folder = Path(__file__).parent
    return "\n".join(_OWN_IMPORT.sub("", (folder / f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES)
