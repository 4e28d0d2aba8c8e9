"""Small programs for the service user's user namespace, each one file, which Python takes on its command line.

They import nothing of this project: the namespace may be older than this checkout's place in it.
"""

import functools
from pathlib import Path


@functools.cache
def program(name: str) -> str:
    """Return the text of a program."""
    return Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
