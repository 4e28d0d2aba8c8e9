"""Leaves plugins of libraries unloaded: code of other packages, which nobody here has asked for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_METADATA = "importlib.metadata"


@contextmanager
def plugins_unloaded() -> Iterator[None]:
    """Have libraries that are imported within find no plugins. For imports, before there is a second thread.

    To look for them, pydantic reads what every installed package says of itself, by modules that take a megabyte.
    """
    if _METADATA in sys.modules:
        yield
        return
    nothing = ModuleType(_METADATA)
    nothing.entry_points = _none  # type: ignore[attr-defined]
    sys.modules[_METADATA] = nothing
    try:
        yield
    finally:
        del sys.modules[_METADATA]


def _none(**_: str) -> tuple[()]:
    return ()
