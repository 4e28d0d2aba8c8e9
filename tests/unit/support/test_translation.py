"""The node says in another language what the page says there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archipelago.support.texts import translation
from archipelago.support.texts.text import Text
from archipelago.support.texts.translation import Language, read_translations, translated

GERMAN = {"{app} sinks": "{app} sinkt", "{app} waits: {why}": "{why}: {app} wartet", "two words": "zwei Wörter"}


def test_a_text_is_translated_by_its_template_and_within_other_texts() -> None:
    inner = Text("{app} sinks", {"app": "lnd"})
    assert translated(Text("{app} waits: {why}", {"app": "knots", "why": inner}), GERMAN) == "lnd sinkt: knots wartet"
    sentence = Text("{app} waits: {why}", {"app": "knots", "why": "two words"})
    assert translated(sentence, GERMAN) == "zwei Wörter: knots wartet"
    assert translated("two words", GERMAN) == "zwei Wörter"


@given(st.text(), st.text())
def test_a_parameter_stays_as_it_is_and_is_put_into_no_other_one(app: str, why: str) -> None:
    text = Text("{app} waits: {why}", {"app": app, "why": why})
    assert translated(text, {}) == text.plain
    assert translated(text, {"{app} waits: {why}": "{why}: {app} wartet"}) == f"{why}: {app} wartet"


@pytest.mark.parametrize("language", Language)
def test_each_language_has_translations_but_english(language: Language) -> None:
    found = read_translations(language)
    assert bool(found) is (language is not Language.EN)
    text = translated(Text("{app} is not installed", {"app": "tor"}), found)
    assert "tor" in text and (text == "tor is not installed") is (language is Language.EN)


def test_translations_that_cannot_be_read_leave_texts_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "_TRANSLATIONS", tmp_path)
    assert read_translations(Language.DE) == {}
    (tmp_path / "de.json").write_bytes(b"\xff{")
    assert translated(Text("a note", {}), read_translations(Language.DE)) == "a note"
