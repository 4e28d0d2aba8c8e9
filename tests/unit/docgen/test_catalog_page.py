"""The page about all apps: each has a test that uses it, and what such a test says is on the page."""

import pytest

from archipelago.docgen.catalog_page import catalog_page, sources, uses
from support.app_manifests import app

BUILT = {"main": {"build": {"type": "packages", "suite": "trixie", "packages": ["x"]}}}


def test_the_page_says_of_each_app_what_it_is_made_of_and_what_a_test_does_with_it() -> None:
    modules = (
        ("tests/catalog/test_one.py", 'import x\nUSED = {"one": "is opened", "two": "is closed | shut"}\n'),
        ("tests/e2e/test_more.py", '"""About one."""\nUSED = {\n    "one": ("is " "seen"),\n}\n'),
        ("tests/e2e/test_none.py", "def test() -> None:\n    used = {}\n"),
    )
    page = catalog_page([app("two", containers=BUILT), app("one", containers=BUILT)], uses(modules))
    first, second = (line for line in page.splitlines() if "tests/catalog/test_one.py" in line)
    assert first.startswith("| One | 1.0 | Debian trixie | 8 | is opened: [tests/catalog/test_one.py]")
    assert "<br>is seen: [tests/e2e/test_more.py](../tests/e2e/test_more.py) | MIT |" in first
    assert "is closed \\| shut" in second and page.endswith("\n2 apps.\n")


def test_an_app_that_no_test_uses_is_an_error_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r'apps/one: no test module .* add USED = {"one": "…"}'):
        catalog_page([app("one")], {})


def test_a_test_that_uses_an_app_which_is_not_there_is_an_error() -> None:
    said = uses([("tests/catalog/test_gone.py", '\nUSED = {"gone": "is used"}\n')])
    with pytest.raises(ValueError, match=r"test_gone\.py: USED names gone, which is not in apps/"):
        catalog_page([], said)


@pytest.mark.parametrize("value", ["{name: 'x'}", "['one']", "{'one': 1}"])
def test_what_is_no_mapping_of_names_to_sentences_is_an_error(value: str) -> None:
    with pytest.raises(ValueError, match=r"test_x\.py: USED is no literal mapping"):
        uses([("tests/catalog/test_x.py", f"\nUSED = {value}\n")])


def test_all_sources_of_an_app_are_named_once() -> None:
    base = {"type": "containerfile", "base": {"suite": "sid", "packages": ["dash"]}}
    image = f"registry.example/x@sha256:{'0' * 64}"
    made = app("many", containers={**BUILT, "same": BUILT["main"], "base": {"build": base}, "pulled": {"image": image}})
    assert sources(made) == "Debian trixie, Debian sid, image"
