"""A catalog is read again only where a file changed, and what it returns is always what is on disk."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archipelago.catalog.local
from archipelago.catalog.folder_marks import is_settled
from archipelago.catalog.local import LocalCatalog
from archipelago.catalog.source import Catalog
from support.examples import examples

MANIFEST = """manifest: 1
id: {app}
name: {app}
version: {version}
summary: A test
description: A test
category: other
license: MIT
containers: {{main: {{build: {{type: packages, packages: [busybox-static]}}}}}}
"""
SECOND = 1_000_000_000
COARSE = 5
"""CLOCK_REALTIME_COARSE of clock_gettime(2), which has no name in Python."""
APPS = ("anchor", "buoy")


def write(folder: Path, app: str, version: int) -> None:
    """Write a manifest; the same number of bytes for each version of one digit."""
    (folder / app).mkdir(exist_ok=True)
    (folder / app / "manifest.yml").write_text(MANIFEST.format(app=app, version=version))


def next_tick() -> None:
    """Return once the clock of the kernel, from which files get their times, has moved."""
    before = time.clock_gettime_ns(COARSE)
    while time.clock_gettime_ns(COARSE) == before:
        os.sched_yield()


def keep_the_time(edit: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return an edit of a file that has the modification time of before afterwards, as `cp -p` and rsync do it."""

    def edited(path: Path) -> None:
        before = path.lstat()
        edit(path)
        if path.is_file():
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return edited


def edits(version: int) -> dict[str, Callable[[Path], object]]:
    """Return ways to change the folder of an app that has a manifest."""

    def append(manifest: Path) -> None:
        with manifest.open("a") as file:
            file.write("# more\n")

    def replace(manifest: Path) -> None:
        new = manifest.with_name("new")
        shutil.copyfile(manifest, new)
        new.rename(manifest)

    def link(manifest: Path) -> None:
        manifest.rename(manifest.with_name("other"))
        manifest.symlink_to("other")

    def hard_link(manifest: Path) -> None:
        (second := manifest.with_name("second")).unlink(missing_ok=True)
        second.hardlink_to(manifest)

    def other_folder(manifest: Path) -> None:
        shutil.copytree(manifest.parent, aside := manifest.parent.parent / ".aside")
        write(aside.parent, ".aside", version)
        shutil.rmtree(manifest.parent)
        aside.rename(manifest.parent)

    def text(manifest: Path) -> str:
        return MANIFEST.format(app=manifest.parent.name, version=version)

    return {
        "write": lambda manifest: manifest.write_text(text(manifest)),
        "write, same time": keep_the_time(lambda manifest: manifest.write_text(text(manifest))),
        "break": lambda manifest: manifest.write_text("nonsense"),
        "append": append,
        "remove": lambda manifest: manifest.unlink(),
        "replace": replace,
        "link": link,
        "hard link": hard_link,
        "icon": lambda manifest: manifest.with_name("icon.svg").write_text(f"<svg id='{version}'/>"),
        "folder": lambda manifest: manifest.with_name(f"files{version}").mkdir(exist_ok=True),
        "remove app": lambda manifest: shutil.rmtree(manifest.parent),
        "other folder": other_folder,
        "cache": lambda manifest: manifest.with_name("__pycache__").mkdir(exist_ok=True),
        "nothing": lambda manifest: None,
    }


def change(folder: Path, app: str, edit: str, version: int) -> None:
    manifest = folder / app / "manifest.yml"
    if not manifest.exists():
        manifest.unlink(missing_ok=True)
        write(folder, app, version)
    else:
        edits(version)[edit](manifest)


Step = tuple[str, str, int]


def steps_of(chosen: set[str]) -> st.SearchStrategy[list[Step]]:
    return st.lists(st.tuples(st.sampled_from(APPS), st.sampled_from(sorted(chosen)), st.integers(0, 9)), max_size=8)


# Few ways at a time, so that one follows itself.
STEPS = st.sets(st.sampled_from(sorted(edits(0))), min_size=1, max_size=2).flatmap(steps_of)


@pytest.mark.parametrize("edit", sorted(edits(0)))
def test_an_edit_is_seen_each_time_that_it_is_made(tmp_path: Path, edit: str) -> None:
    catalog = LocalCatalog(tmp_path, lambda: time.time_ns() + 10 * SECOND)
    write(tmp_path, "anchor", 1)
    for version in (2, 3, 4):
        catalog._look()
        next_tick()
        change(tmp_path, "anchor", edit, version)
        assert catalog._look() == LocalCatalog(tmp_path)._look()


@pytest.mark.parametrize("trusting", [True, False])
@settings(max_examples=examples(40))
@given(steps=STEPS)
def test_no_edit_of_a_folder_goes_unseen(trusting: bool, steps: list[Step]) -> None:
    """With a clock that makes it trust each mark, an edit in another tick is seen; with the real one, any edit is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = LocalCatalog(folder, (lambda: time.time_ns() + 10 * SECOND) if trusting else time.time_ns)
        for app, edit, version in steps:
            change(folder, app, edit, version)
            assert catalog._look() == LocalCatalog(folder)._look()
            if trusting:
                next_tick()


async def test_what_is_old_enough_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for app in APPS:
        write(tmp_path, app, 1)
    catalog = LocalCatalog(tmp_path, lambda: time.time_ns() + 10 * SECOND)
    before = await catalog.read()
    next_tick()
    write(tmp_path, "buoy", 2)
    loaded: list[str] = []

    def load(folder: Path) -> Any:
        loaded.append(folder.name)
        return package(folder)

    package = archipelago.catalog.local.load_package
    monkeypatch.setattr(archipelago.catalog.local, "load_package", load)
    after = await catalog.read()
    assert loaded == ["buoy"] and after.packages["anchor"] is before.packages["anchor"]
    assert await catalog.read() is after and loaded == ["buoy"]


async def test_each_app_says_where_it_comes_from(tmp_path: Path) -> None:
    write(tmp_path, "anchor", 1)
    (tmp_path / "buoy").mkdir()
    (tmp_path / "buoy" / "manifest.yml").write_text("nonsense")
    (tmp_path / "empty").mkdir()
    found = await LocalCatalog(tmp_path).read()
    assert {app: (origin.source, origin.place) for app, origin in found.origins.items()} == {
        "anchor": ("local", f"{tmp_path}/anchor"),
        "buoy": ("local", f"{tmp_path}/buoy"),
    }
    assert await LocalCatalog(tmp_path / "nowhere").read() == Catalog()


@given(st.integers(0, 4 * SECOND), st.integers(-4 * SECOND, 4 * SECOND))
def test_a_time_is_settled_once_no_later_change_can_have_it(changed: int, passed: int) -> None:
    coarse = changed % SECOND == 0
    assert is_settled(changed, changed + passed) == (abs(passed) > (2_050_000_000 if coarse else 50_000_000))
