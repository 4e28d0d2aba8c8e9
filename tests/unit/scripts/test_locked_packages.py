"""What an owner's machine installs is written down: every file by its hash, none of them built there."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from support.checkout import CHECKOUT

PYTHONS = ("cp311", "cp312", "cp313")
"""Those of Debian 12, Ubuntu 24.04 and Debian 13."""
PLATFORMS = tuple(f"{libc}_{machine}" for libc in ("manylinux", "musllinux") for machine in ("x86_64", "aarch64"))
LIBRARY = CHECKOUT / "scripts" / "lib.sh"
NOT_FOR_MUSL = {"pyrage"}
"""Nobody publishes wheels of these for musl: Alpine Linux has to wait for them (README)."""

Package = Mapping[str, Any]


@cache
def locked() -> dict[str, Package]:
    """Return the packages of uv.lock by their names."""
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text())
    packages = {package["name"]: package for package in lock["package"]}
    assert len(packages) == len(lock["package"]), "two versions of one package: these tests look at one"
    return packages


def needed(packages: Mapping[str, Package], requirements: Iterable[Package]) -> set[str]:
    """Return the names of what the requirements bring along, themselves included."""
    open_ends = [(one["name"], extra) for one in requirements for extra in ("", *one.get("extra", ()))]
    seen: set[tuple[str, str]] = set()
    while open_ends:
        name, extra = end = open_ends.pop()
        if end in seen:
            continue
        seen.add(end)
        package = packages[name]
        brought = package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
        open_ends += [(one["name"], more) for one in brought for more in ("", *one.get("extra", ()))]
    return {name for name, _ in seen}


def run_time(packages: Mapping[str, Package]) -> set[str]:
    """Return the names of what the node itself needs."""
    return needed(packages, packages["archipelago"]["dependencies"])


def tags(package: Package) -> Iterator[tuple[str, str, str]]:
    """Return the compatibility tags of a package's wheels (PEP 425): Python, ABI, platforms."""
    for wheel in package.get("wheels", ()):
        *_, python, abi, platforms = wheel["url"].rsplit("/", 1)[1].removesuffix(".whl").split("-")
        yield python, abi, platforms


def fits(python: str, platform: str, tag: tuple[str, str, str]) -> bool:
    """Tell whether a wheel with these tags can be installed there."""
    pythons, abi, platforms = tag
    libc, machine = platform.split("_", 1)
    version = int(python.removeprefix("cp3"))
    since = [int(match[1]) for one in pythons.split(".") if (match := re.fullmatch(r"cp3(\d+)", one))]
    python_fits = (
        python in pythons.split(".")
        or "py3" in pythons.split(".")
        or (abi == "abi3" and any(first <= version for first in since))
    )
    return python_fits and (
        platforms == "any" or any(one.startswith(libc) and one.endswith(machine) for one in platforms.split("."))
    )


def test_every_package_comes_from_the_index_as_a_wheel_with_a_hash() -> None:
    for name, package in locked().items():
        if name == "archipelago":
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}, name
        assert package.get("wheels"), f"{name} would be built where it is installed"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", wheel["hash"]) for wheel in package["wheels"]), name


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_node_needs_no_compiler(python: str, platform: str) -> None:
    packages = locked()
    lacking = {
        name for name in run_time(packages) if not any(fits(python, platform, tag) for tag in tags(packages[name]))
    }
    assert lacking == (NOT_FOR_MUSL if platform.startswith("musllinux") else set())


def test_what_only_developers_need_is_in_a_group_that_has_to_be_named() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    packages = locked()
    assert project["tool"]["uv"]["default-groups"] == ["dev"]
    syncs = [line for line in LIBRARY.read_text().splitlines() if '/uv" sync' in line]
    assert len(syncs) == 1 and all("--no-default-groups" in line for line in syncs)
    groups = packages["archipelago"]["dev-dependencies"]
    assert {"mypy", "pytest", "ruff"} <= {one["name"] for one in groups["dev"]} - run_time(packages)


def test_the_page_is_built_from_packages_with_hashes_alone() -> None:
    lock = json.loads((CHECKOUT / "neode-ui" / "package-lock.json").read_text())
    packages: dict[str, Package] = {path: one for path, one in lock["packages"].items() if path}
    assert lock["lockfileVersion"] == 3
    assert packages
    for path, package in packages.items():
        # From the registry and nowhere else: no folder, archive, or repository.
        assert not package.get("link"), path
        assert package.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/"), path
        if package.get("inBundle"):
            # It comes within the archive of the package around it, under that one's hash.
            around, _, _ = path.rpartition("/node_modules/")
            assert "integrity" in packages[around], path
        else:
            assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package.get("integrity", "")), path


def test_the_page_asks_for_nothing_but_versions_of_packages() -> None:
    wanted = json.loads((CHECKOUT / "neode-ui" / "package.json").read_text())
    lock = json.loads((CHECKOUT / "neode-ui" / "package-lock.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        assert wanted[kind] == lock["packages"][""][kind], "run npm install in neode-ui"
        assert all(re.fullmatch(r"\^\d+\.\d+\.\d+", version) for version in wanted[kind].values())
    assert not wanted.keys() & {"optionalDependencies", "peerDependencies", "overrides", "workspaces"}


def test_uv_is_taken_by_its_hash() -> None:
    requirement = (CHECKOUT / "scripts" / "packages" / "uv.txt").read_text()
    lines = [line for line in requirement.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    (line,) = lines
    assert re.fullmatch(r"uv==\d+\.\d+\.\d+(\s+--hash=sha256:[0-9a-f]{64})+\s*", line)
