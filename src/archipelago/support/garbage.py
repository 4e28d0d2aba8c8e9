"""Has Python look for garbage less often during work whose objects stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 50_000
"""Objects that are made before it is looked for; some megabytes."""


@contextmanager
def little_garbage() -> Iterator[None]:
    """Look for garbage less often meanwhile, in all threads.

    Python looks for it whenever some hundred objects were made, and finds none where all of them stay: in a plan, or in
    the workloads of many apps. That takes a third of the time of making them.
    """
    usual = gc.get_threshold()
    if usual[0] >= _MANY:  # another thread has said so
        yield
        return
    gc.set_threshold(_MANY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
