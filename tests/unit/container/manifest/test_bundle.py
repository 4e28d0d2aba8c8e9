"""Bundles: what one says, and what is wrong with one, where, and how to fix it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.container.manifest.bundle import Bundle, load_bundle, load_bundles
from archipelago.container.manifest.yaml.problems import ManifestError

TEXT = "bundle: 1\nname: Wallets\nsummary: All you need\napps: [specter, electrumx]\n"
CATALOG = Path(__file__).parents[4] / "apps"


def test_a_bundle_says_what_belongs_together() -> None:
    assert load_bundle(TEXT, "b.yml").apps == ("specter", "electrumx")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (TEXT.replace("apps", "aps"), "b.yml:4:1: aps: unknown key; did you mean 'apps'?"),
        (TEXT.replace("electrumx", "Electrum X"), "b.yml:4:17: apps[1]: wrong form: 'Electrum X'; expected lower"),
        (TEXT.replace("electrumx", "specter"), "b.yml:4:7: apps:"),
        (TEXT.replace(", electrumx", ""), "b.yml:4:7: apps:"),
        (TEXT.replace("bundle: 1", "bundle: 2"), "b.yml:1:9: bundle:"),
        (TEXT.replace("All you", "All \u202eyou"), "b.yml:3:14: the character"),
        ("- no\n", "b.yml:1:1: the text is not a bundle; expected a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changed: str, problem: str) -> None:
    with pytest.raises(ManifestError) as refused:
        load_bundle(changed, "b.yml")
    assert problem in refused.value.message


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(load_bundle(text, "b.yml"), Bundle)
    except ManifestError as error:
        assert error.problems


def test_one_that_is_wrong_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(TEXT)
    (tmp_path / "bad.yml").write_text("bundle: 1\n")
    (tmp_path / "large.yml").write_text(TEXT + "#" * 20_000)
    (tmp_path / "link.yml").symlink_to("good.yml")
    (tmp_path / "Other.txt").write_text("")
    found = load_bundles(tmp_path)
    assert isinstance(found.pop("good"), Bundle)
    assert sorted(found) == ["Other.txt", "bad", "large", "link"]
    assert all(isinstance(problem, str) and problem.startswith(str(tmp_path)) for problem in found.values())
    assert load_bundles(tmp_path / "nowhere") == {}


def test_the_bundles_of_this_project_can_be_installed() -> None:
    apps = {path.parent.name for path in CATALOG.glob("*/manifest.yml")}
    found = load_bundles(CATALOG / "bundles")
    assert found and all(isinstance(bundle, Bundle) and apps >= set(bundle.apps) for bundle in found.values())
