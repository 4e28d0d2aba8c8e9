"""Builds wheels from source distributions by their own build backends (PEP 517). Runs inside a build's container.

    python3 -P build_wheels.py FOLDER

FOLDER/backends holds what builds, FOLDER/sources/N one source distribution; its wheel comes into FOLDER/out/N.
Imports nothing that Python does not bring: it runs on the Python of the image.
"""

import importlib
import importlib.metadata
import os
import re
import shutil
import site
import subprocess
import sys
import tomllib
from pathlib import Path

_LEGACY = {"requires": ["setuptools"], "build-backend": "setuptools.build_meta:__legacy__"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main() -> int:
    """Build all, or the one of a number that is given; end at the first that fails."""
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        return build(folder, sys.argv[2])
    for number in sorted((path.name for path in (folder / "sources").iterdir()), key=int):
        name = next((folder / "sources" / number).iterdir()).name
        print(f"builds {name}", flush=True)
        # A process each: backends keep things for themselves.
        done = subprocess.run([sys.executable, "-P", __file__, str(folder), number], stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print(f"error: {name} cannot be built", flush=True)
            return 1
    return 0


def build(folder: Path, number: str) -> int:
    """Build one; return the exit code."""
    archive = next((folder / "sources" / number).iterdir())
    unpacked, out = folder / "work" / number, folder / "out" / number
    out.mkdir(parents=True)
    shutil.unpack_archive(archive, unpacked)
    source = next(path for path in unpacked.iterdir() if path.is_dir())
    system = build_system(source)
    site.addsitedir(str(folder / "backends"))
    sys.path.insert(0, sys.path.pop(sys.path.index(str(folder / "backends"))))
    if missing := [name for name in required(system["requires"]) if not is_there(name)]:
        print(f"error: {archive.name} needs {', '.join(missing)}, which 'python_build' does not name", flush=True)
        return 1
    os.chdir(source)
    sys.path[:0] = [str(source / path) for path in system.get("backend-path", [])]
    module, _, inner = system.get("build-backend", _LEGACY["build-backend"]).partition(":")
    backend = importlib.import_module(module)
    for name in filter(None, inner.split(".")):
        backend = getattr(backend, name)
    sys.argv[1:] = []
    backend.build_wheel(str(out), {}, None)
    return 0


def build_system(source: Path) -> dict:  # type: ignore[type-arg]
    """Return what a source distribution says of its build (PEP 518)."""
    try:
        text = (source / "pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return _LEGACY
    return tomllib.loads(text).get("build-system") or _LEGACY


def required(requirements: list[str]) -> list[str]:
    """Return the names of packages that are needed wherever it is built."""
    return [found[0] for each in requirements if ";" not in each and (found := _NAME.match(each))]


def is_there(name: str) -> bool:
    """Return whether a package can be imported, in whatever version."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
