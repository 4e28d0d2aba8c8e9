"""Where things lie: no name that a stranger chose meets one of the node's own."""

import dataclasses
import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.errors import NodeError
from archipelago.storage.layout import AppFolder, Layout, app_paths

LAYOUT = Layout(Path("/data"), Path("/run/node"))
NAMES = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)


def own_paths() -> set[Path]:
    """Return every path that the layout names without an app."""
    fields = {field.name for field in dataclasses.fields(Layout)}
    properties = {name for name, value in inspect.getmembers(Layout) if isinstance(value, property)}
    return {getattr(LAYOUT, name) for name in fields | properties}


@given(NAMES, NAMES)
def test_what_is_an_apps_is_in_its_own_folder_and_nothing_of_the_node_is(app: str, name: str) -> None:
    folder = LAYOUT.app(app)
    inside = {folder.volume(name), folder.log(name), folder.secret(name), folder.bill(name)}
    assert all(folder.path in path.parents for path in inside) and len(inside) == 4
    for own in own_paths():
        assert folder.path != own and folder.path not in own.parents
        assert own in (LAYOUT.root, LAYOUT.apps) or own not in folder.path.parents


@given(NAMES, NAMES, NAMES, NAMES)
def test_two_apps_share_nothing(one: str, other: str, first: str, second: str) -> None:
    if one != other:
        assert LAYOUT.app(one).volume(first) != LAYOUT.app(other).volume(second)
        assert LAYOUT.app(one).path not in LAYOUT.app(other).volume(second).parents


@pytest.mark.parametrize("name", ["", ".", "..", ".layout.json", "a/b", "/etc", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    folder = AppFolder(Path("/data/apps/a"))
    for call in (LAYOUT.app, folder.volume, folder.log, folder.secret, folder.bill):
        with pytest.raises(NodeError):
            call(name)


def test_paths_as_text_are_those_of_the_folder() -> None:
    folder, paths = Layout(Path("/data"), Path("/run")).app("tor"), app_paths("/data/apps", "tor")
    assert (paths.path, paths.volumes) == (str(folder.path), str(folder.volumes))
    assert (paths.volume("state"), paths.log("main")) == (str(folder.volume("state")), str(folder.log("main")))
    for name in ("", "..", "a/b"):
        for wrong in (lambda name: app_paths("/data/apps", name), paths.volume, paths.log):
            with pytest.raises(NodeError):
                wrong(name)
