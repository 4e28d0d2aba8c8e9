"""Environment variables that hold secrets: set inside the container, so that Podman never hears of them. Pure.

Podman keeps a container's environment on disk and shows it in `inspect`. So the container starts with a shell of the
host's (busybox, linked statically, mounted read-only), which reads a file in memory and then becomes the app's program.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

SHELL = PurePosixPath("/.archipelago/sh")
"""Where the shell is inside the container; by its name, busybox knows what it is to be."""
SCRIPT = PurePosixPath("/.archipelago/environment")


def script(variables: Mapping[str, bytes]) -> bytes:
    """Return what the shell reads: it sets the variables, and becomes the program that its arguments name."""
    lines = [b"export " + name.encode() + b"=" + _quoted(value) for name, value in sorted(variables.items())]
    return b"\n".join([*lines, b'exec "$@"', b""])


def wrapped(entrypoint: Sequence[str]) -> tuple[str, ...]:
    """Return what to run in the place of a program."""
    return (str(SHELL), str(SCRIPT), *entrypoint)


def _quoted(value: bytes) -> bytes:
    return b"'" + value.replace(b"'", b"'\\''") + b"'"
