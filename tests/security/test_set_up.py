"""What the set-up left on this host, looked at as the service user, who is as good as any stranger there."""

import json
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import CHECKOUT, SOURCE

PREFIX = Path("/opt/archipelago")
CONFIG = Path("/etc/archipelago")
OF_A_NAMESPACE = {PREFIX / "dev", PREFIX / "checkout", PREFIX / "confined"}
"""Mounts of scripts/enter and scripts/confine; the devices in the first are for everybody on any host."""


TOO_MUCH = stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID


def walk(folder: Path) -> Iterator[Path]:
    """Return everything in a folder that can be reached, links apart."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if here / name not in OF_A_NAMESPACE]
        yield from (path for name in (*folders, *files) if not (path := here / name).is_symlink())


@pytest.mark.parametrize("folder", [PREFIX, CONFIG])
def test_nothing_that_root_made_can_be_changed(folder: Path) -> None:
    assert os.getuid() != 0
    changeable = [path for path in walk(folder) if os.access(path, os.W_OK)]
    assert changeable == []
    assert [path for path in walk(folder) if path.stat().st_uid != 0 or path.stat().st_mode & TOO_MUCH] == []


def test_no_lock_can_be_held_by_others() -> None:
    # Whoever may open a file may lock it, and those who wait for the lock wait for ever.
    locks = [path for path in walk(PREFIX) if path.suffix == ".lock" and path.is_file()]
    assert [path for path in locks if os.access(path, os.R_OK)] == []
    for closed in ("locks", "cache"):
        assert stat.S_IMODE((PREFIX / closed).stat().st_mode) == 0o700


def distributions(environment: Path) -> dict[str, str]:
    """Return what is installed in an environment, as its Python tells it."""
    program = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    done = subprocess.run(
        [environment / "bin/python", "-I", "-c", program], capture_output=True, check=True, timeout=60
    )
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in json.loads(done.stdout).items()}


def test_the_node_has_the_locked_packages_and_no_tool_of_a_developer() -> None:
    packages = {one["name"]: one for one in tomllib.loads((CHECKOUT / "uv.lock").read_text())["package"]}
    installed = distributions(PREFIX / "venv")
    assert installed == {name: packages[name]["version"] for name in installed}
    reached, found = ["archipelago"], set[str]()
    while reached:
        name, _, extra = reached.pop().partition("+")
        package = packages[name]
        brought = package["optional-dependencies"].get(extra, ()) if extra else package.get("dependencies", ())
        new = {one["name"] for one in brought} | {
            f"{one['name']}+{extra}" for one in brought for extra in one.get("extra", ())
        }
        reached += new - found
        found |= new
    assert set(installed) <= {name for name in found if "+" not in name}
    assert {"aiohttp", "pydantic"} <= set(installed)


def test_the_node_starts_with_nothing_else() -> None:
    program = (
        "import importlib, pkgutil, archipelago\n"
        "for module in pkgutil.walk_packages(archipelago.__path__, 'archipelago.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
    )
    environment = {"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [PREFIX / "venv/bin/python", "-P", "-c", program], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr


def test_the_command_of_enter_has_a_session_of_its_own() -> None:
    # Whoever is in the session of root's shell may type into its terminal.
    leader = Path(f"/proc/{os.getsid(0)}")
    assert leader.stat().st_uid == os.getuid()


def test_no_lock_of_roots_is_open_in_the_command_of_enter() -> None:
    # Whoever has the descriptor can take the lock for himself, though he could not open the file.
    opened = [os.readlink(one) for one in Path(f"/proc/{os.getsid(0)}/fd").iterdir() if one.is_symlink()]
    assert opened != []
    assert [path for path in opened if path.startswith((f"{PREFIX}/code", f"{PREFIX}/locks"))] == []
