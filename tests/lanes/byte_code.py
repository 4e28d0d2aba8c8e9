"""Byte code of the tests, with pytest's assertions, and of what they import: half of the time of a first run.

It is kept for the next run, and the other processors make it while this process collects.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, get_cache_dir
from _pytest.pathlib import import_path


def keep_byte_code() -> None:
    """Write byte code into a folder of the user, if none may be written beside the source, here and in programs."""
    if not sys.dont_write_bytecode:
        return
    if sys.pycache_prefix is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(cache / "archipelago" / "byte-code")
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@contextlib.contextmanager
def compiled_ahead(config: pytest.Config, folder: Path) -> Iterator[None]:
    """Have a fork compile the modules of tests from the last one on, while this process collects from the first."""
    missing = [path for path in sorted(folder.rglob("test_*.py"), reverse=True) if not _compiled(path).exists()]
    if sys.dont_write_bytecode or len(os.sched_getaffinity(0)) < 2 or not missing:
        yield
        return
    pid = os.fork()
    if pid == 0:
        _import_all(config, missing)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _import_all(config: pytest.Config, paths: list[Path]) -> None:
    """Import modules in the place of the child; whatever they raise is raised again when they are collected."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    for path in paths:
        if not _compiled(path).exists():
            with contextlib.suppress(BaseException):
                import_path(path, root=config.rootpath, consider_namespace_packages=False)
    os._exit(0)


def _compiled(path: Path) -> Path:
    return get_cache_dir(path) / f"{path.stem}{PYC_TAIL}"
