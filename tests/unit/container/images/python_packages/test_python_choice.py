"""Which file of an index is installed: the best wheel for the image's Python, else the source distribution."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from archipelago.container.images.python_packages.choice import (
    FileKind,
    IndexFile,
    NotAnIndex,
    choose,
    is_wheel_name,
    read_index_page,
)
from archipelago.container.images.python_packages.target import PythonTarget
from archipelago.container.manifest.model.app import Architecture
from archipelago.container.manifest.requirements import Requirement

BOOKWORM = PythonTarget("bookworm", Architecture.AMD64)
TRIXIE_ARM = PythonTarget("trixie", Architecture.ARM64)
HASH = "a" * 64
FOO = Requirement(canonicalize_name("foo"), Version("1.0"), frozenset({HASH}))


def files(*names: str, sha256: str = HASH, requires_python: str | None = None) -> list[IndexFile]:
    return [IndexFile(name, f"https://files.example/{name}", sha256, requires_python) for name in names]


def chosen(target: PythonTarget, *names: str) -> str | None:
    """Return which of the files is chosen, in whatever order they are listed."""
    found = {
        choice.file.filename if (choice := choose(FOO, listed, target)) else None
        for listed in (files(*names), files(*reversed(names)))
    }
    assert len(found) == 1
    return found.pop()


BEST_FIRST = (
    "foo-1.0-cp311-cp311-manylinux_2_36_x86_64.whl",
    "foo-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "foo-1.0-cp311-cp311-manylinux1_x86_64.whl",
    "foo-1.0-cp311-cp311-linux_x86_64.whl",
    "foo-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "foo-1.0-cp311-none-any.whl",
    "foo-1.0-cp38-abi3-manylinux_2_28_x86_64.whl",
    "foo-1.0-py3-none-manylinux_2_17_x86_64.whl",
    "foo-1.0-py2.py3-none-any.whl",
    "foo-1.0.tar.gz",
)


def test_the_most_special_wheel_is_the_best_and_a_source_distribution_the_last() -> None:
    order = [name for name in BEST_FIRST if name != "foo-1.0-cp311-none-any.whl"]
    for better, worse in pairwise(order):
        assert chosen(BOOKWORM, better, worse) == better


@pytest.mark.parametrize(
    "name",
    [
        "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        "foo-1.0-cp311-cp311-manylinux_2_37_x86_64.whl",
        "foo-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
        "foo-1.0-cp311-cp311-musllinux_1_2_x86_64.whl",
        "foo-1.0-cp311-cp311-macosx_11_0_arm64.whl",
        "foo-1.0-cp311-cp311-win_amd64.whl",
        "foo-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl",
        "foo-1.1-py3-none-any.whl",
        "bar-1.0-py3-none-any.whl",
        "foo-1.0.exe",
        "foo-1.1.tar.gz",
        "foo.whl",
    ],
)
def test_what_does_not_run_there_or_is_another_package_is_not_chosen(name: str) -> None:
    assert chosen(BOOKWORM, name) is None


def test_another_python_and_machine_have_wheels_of_their_own() -> None:
    assert chosen(TRIXIE_ARM, "foo-1.0-cp313-cp313-manylinux_2_28_aarch64.whl", BEST_FIRST[0]) is not None
    assert chosen(TRIXIE_ARM, BEST_FIRST[0]) is None
    assert TRIXIE_ARM.environment["platform_machine"] == "aarch64" and TRIXIE_ARM.version == "3.13"


def test_a_later_build_of_the_same_wheel_is_better() -> None:
    assert chosen(BOOKWORM, "foo-1.0-1-py3-none-any.whl", "foo-1.0-2-py3-none-any.whl") == "foo-1.0-2-py3-none-any.whl"


def test_only_files_with_a_pinned_hash_and_for_this_python_count() -> None:
    source = files("foo-1.0.tar.gz")
    choice = choose(FOO, [*files("foo-1.0-py3-none-any.whl", sha256="b" * 64), *source], BOOKWORM)
    assert choice is not None and choice.kind is FileKind.SDIST
    assert choose(FOO, files("foo-1.0-py3-none-any.whl", requires_python=">=3.12"), BOOKWORM) is None
    assert choose(FOO, files("foo-1.0-py3-none-any.whl", requires_python=">=3.8,<4"), BOOKWORM) is not None
    assert choose(FOO, files("foo-1.0-py3-none-any.whl", requires_python="nonsense"), BOOKWORM) is not None


def test_the_preference_of_tags_is_that_of_pips_rules() -> None:
    assert min(BOOKWORM.preference.values()) == 0
    assert Tag("cp311", "cp311", "manylinux2014_x86_64") in BOOKWORM.preference
    assert not parse_tag("cp311-cp311-manylinux2010_aarch64") & TRIXIE_ARM.preference.keys()


def page(*listed: object) -> bytes:
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "foo", "files": listed}).encode()


def test_a_page_of_an_index_is_read_and_names_that_are_paths_are_left_out() -> None:
    whole = {"filename": "foo-1.0.tar.gz", "url": "../x", "hashes": {"sha256": HASH}, "requires-python": ">=3"}
    others = [
        {**whole, "filename": "../../foo-1.0.tar.gz"},
        {**whole, "filename": ".foo-1.0.tar.gz"},
        {**whole, "filename": "foo 1.0.tar.gz"},
        {**whole, "filename": 7},
        {**whole, "url": None},
        {**whole, "hashes": {"md5": "0"}},
        {**whole, "hashes": {"sha256": "b" * 64}},
    ]
    assert read_index_page(page(whole, *others), {HASH}) == (IndexFile("foo-1.0.tar.gz", "../x", HASH, ">=3"),)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"files": {}}', page("x"), page({"hashes": {"sha256": []}}), b"[" * 100_000],
)
def test_what_is_no_page_is_refused(content: bytes) -> None:
    with pytest.raises(NotAnIndex):
        read_index_page(content, {HASH})


@given(st.text(max_size=30), st.sampled_from(["", ".whl", "-1.0-py3-none-any.whl", ".tar.gz", ".zip"]))
def test_whatever_an_index_calls_its_files_they_are_chosen_or_not(name: str, end: str) -> None:
    choice = choose(FOO, files(f"{name}{end}"), BOOKWORM)
    assert choice is None or choice.requirement is FOO


@given(st.text(max_size=30))
def test_a_wheels_name_is_never_a_path(name: str) -> None:
    assert not is_wheel_name(f"{name}/x.whl") and not is_wheel_name(f"../{name}.whl")
